#!/bin/sh
# What a host with Quipux has become, a line for each thing, without comments and what is made at random.
set -eu
# One of several fonts that fontconfig is content with: apt chooses by what it installs at the same time.
dpkg-query -W -f 'package ${binary:Package} ${Version}\n' | grep -v '^package fonts-dejavu-core '
# The jobs write pages into the bodega, and mails may wait in the spool.
find /etc/quipux /opt/quipux /usr/local/lib/quipux /var/lib/quipux /var/backups/quipux /var/spool/quipux-mail \
    /etc/apache2/mods-enabled /etc/apache2/sites-enabled \
    ! -path '/var/lib/quipux/bodega/*.html' ! -path '/var/spool/quipux-mail/*' ! -name '.*.json' ! -name '*.pyc' \
    ! -name __pycache__ -printf 'path %p %y %u:%g %m %l\n'
find /etc/quipux /usr/local/lib/quipux /etc/systemd/system /etc/apache2/ports.conf /etc/apache2/sites-available/quipux* \
    /etc/php/7.4/*/conf.d/99-quipux.ini /etc/postgresql/13/main/conf.d /etc/postgresql/13/main/pg_hba.conf \
    -type f ! -name '*.json' ! -name '*.pem' ! -name '*.pyc' |
    while read -r file; do
        sed -E 's/^[[:space:]]+|[[:space:]]+$//g; /^(#|;|\/\/|$)/d; s/[[:space:]]+\/\/ .*$//' "$file" | sed "s|^|$file: |"
    done
python3 - <<'END'
import json
for name in ("backup", "mail"):
    with open(f"/etc/quipux/{name}.json") as file:
        print(name, json.dumps(json.load(file), sort_keys=True))
END
systemctl list-unit-files --no-legend --no-pager | awk '{print "unit", $1, $2}'
systemctl list-units --state=active --no-legend --no-pager 'quipux*' 'apache2*' 'postgresql*' | awk '{print "active", $1}'
nft list chain inet quipux input
getent passwd quipux-pdf | cut -d: -f1,6,7
sql() { (cd / && runuser -u postgres -- "$@"); }
sql pg_dumpall --globals-only --no-role-passwords | grep -v '^--'
for database in quipux quipux_bodega; do
    sql pg_dump --schema-only $database | grep -v '^--'
    sql psql -AtX $database <<'END'
SELECT datname, datcollate, datctype, array(SELECT unnest(datacl)::text ORDER BY 1) FROM pg_database
 WHERE datname = current_database();
SELECT current_database(), setrole, setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase
 WHERE datname = current_database();
END
done
