"""What an institution's administrator (AIQ) does after provisioning, as the rows that the pages leave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

CITY = 49
PERMISSIONS = {
    "head": (27, 19, 29),
    "desk": (27, 28, 13, 16, 5, 15),
    "deputy": (12, 36, 27, 9),
}


def national_id(number: int) -> str:
    """An invented cédula with a right check digit; different for each number below a million."""
    digits = f"24{number:07d}"
    doubled = [int(one) * (2 - place % 2) for place, one in enumerate(digits)]
    total = sum(one - 9 if one > 9 else one for one in doubled)
    return f"{digits}{-total % 10}"


@dataclass
class Parametrisation:
    """The work of one AIQ. `names` tells the numbers of what was made, for tests to spoil.

    :param cursor: of an autocommit connection that may write everything.
    :param first: the people made get cédulas of this number and the next ones.
    """

    cursor: Any
    institution: int
    root: int
    aiq: int
    first: int
    names: dict[str, int] = field(default_factory=dict)

    def whole(self) -> dict[str, int]:
        """Do everything of the checklist that leaves rows."""
        self.run(
            "UPDATE institucion SET inst_email = 'info@example.gob.ec', inst_logo = '/bodega/logos/' "
            "|| inst_codi || '.png' WHERE inst_codi = %(inst)s",
            inst=self.institution,
        )
        self.run("UPDATE dependencia SET depe_plantilla = depe_codi WHERE depe_codi = %(a)s", a=self.root)
        area = self.area("Dirección de Ejemplo", "DE", self.root)
        sub = self.area("Unidad de Ejemplo", "UE", area)
        head = self.user(self.root, "head", cargo_tipo=1, usua_tipo_certificado=1)
        chief = self.user(area, "head", cargo_tipo=1, usua_tipo_certificado=2)
        clerk = self.user(area, "desk", usua_responsable_area=1)
        deputy = self.user(area, "deputy")
        self.names |= {
            **{"inst": self.institution, "root": self.root, "aiq": self.aiq, "area": area, "sub": sub},
            **{"head": head, "chief": chief, "clerk": clerk, "deputy": deputy},
        }
        self.numbering(self.root, self.root, "inst-dep-anio-secuencial-tipodoc")
        self.numbering(area, self.root, None)
        memorandum = self.document(3, chief, head)
        letter = self.document(1, head, chief)
        external = self.document(2, clerk, chief)
        self.names |= {"memorandum": memorandum, "letter": letter, "external": external}
        for author, document, event in (
            *((chief, memorandum, 9), (chief, memorandum, 8), (head, letter, 13), (head, letter, 40)),
            *((clerk, external, 66),),
        ):
            self.event(author, document, event)
        self.run(
            "INSERT INTO anexos (anex_radi_nume, anex_codigo, anex_tipo, anex_numero, anex_borrado, "
            "anex_fecha, anex_usua_codi) VALUES (%(doc)s, %(doc)s || '00001', 7, 1, 'N', now(), %(clerk)s)",
            doc=external,
            clerk=clerk,
        )
        self.task(head, chief, letter)
        self.functions(area, head, chief, clerk, deputy)
        return self.names

    def run(self, sql: str, **values: Any) -> Any:
        """Run a statement; the first value of its first row, if it gives any."""
        self.cursor.execute(sql, values)
        row = self.cursor.fetchone() if self.cursor.description else None
        return row[0] if row else None

    def area(self, name: str, acronym: str, parent: int) -> int:
        return int(
            self.run(
                "INSERT INTO dependencia (depe_codi, depe_nomb, depe_codi_padre, dep_sigla, dep_central, "
                "depe_estado, inst_codi, inst_adscrita, depe_pie1, depe_plantilla) SELECT n, %(name)s, "
                "%(parent)s, %(acronym)s, n, 1, %(inst)s, %(inst)s, %(city)s, n "
                "FROM nextval('sec_dependencia') AS n RETURNING depe_codi",
                name=name,
                parent=parent,
                acronym=acronym,
                inst=self.institution,
                city=str(CITY),
            )
        )

    def user(self, area: int, kind: str, **columns: Any) -> int:
        number = national_id(self.first)
        self.first += 1
        row = {
            **{"usua_login": f"U{number}", "usua_cedula": number, "tipo_identificacion": 0},
            **{"usua_nomb": "Persona", "usua_apellido": "De Ejemplo", "usua_sumilla": "pde"},
            **{"usua_cargo": "Técnica", "usua_cargo_cabecera": "Técnica", "usua_email": "p@example.gob.ec"},
            **{
                "ciu_codi": CITY,
                "usua_esta": 1,
                "usua_nuevo": 1,
                "usua_responsable_area": 0,
                "cargo_tipo": 0,
            },
            **{"usua_tipo_certificado": 0, "inst_codi": self.institution, "depe_codi": area},
            **columns,
        }
        values = ", ".join(f"%({name})s" for name in row)
        account = int(
            self.run(
                f"INSERT INTO usuarios ({', '.join(row)}) VALUES ({values}) RETURNING usua_codi",
                **row,
            )
        )
        self.grant(account, PERMISSIONS[kind])
        return account

    def grant(self, account: int, permissions: Iterable[int]) -> None:
        for permission in permissions:
            self.run(
                "INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (%(p)s, %(u)s); "
                "INSERT INTO log_usr_permisos (usua_codi, usua_codi_actualiza, accion, id_permiso, "
                "fecha_actualiza) VALUES (%(u)s, %(aiq)s, 1, %(p)s, now())",
                p=permission,
                u=account,
                aiq=self.aiq,
            )

    def numbering(self, area: int, source: int, form: str | None) -> None:
        for kind in (1, 2, 3, 4, 5, 6, 8, 9):
            self.run(
                "INSERT INTO formato_numeracion (depe_codi, depe_numeracion, fn_tiporad, fn_formato, "
                "fn_abr_texto) VALUES (%(area)s, %(source)s, %(kind)s, %(form)s, %(kind)s)",
                area=area,
                source=source,
                kind=kind,
                form=form,
            )

    def document(self, kind: int, author: int, addressee: int) -> int:
        """Write, register and send: the original becomes 6, the addressee's copy 2."""
        area = self.run("SELECT depe_codi FROM usuarios WHERE usua_codi = %(u)s", u=author)
        year = self.run("SELECT extract(year FROM now())::int")
        numbers = []
        for last in (2 if kind == 2 else 0, 1):
            number = self.run(
                "INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_fech_radi, esta_codi, radi_tipo, "
                "radi_usua_radi, radi_usua_actu, radi_inst_actu) "
                "SELECT n, coalesce(%(temp)s, n), now(), %(state)s, %(kind)s, %(author)s, %(holder)s, "
                "%(inst)s FROM (SELECT (%(prefix)s || lpad(nextval('sec_radi_nume_radi')::text, 9, '0') || "
                "%(last)s)::numeric AS n) s RETURNING radi_nume_radi",
                temp=numbers[0] if numbers else None,
                state=2 if numbers else 6,
                kind=kind,
                author=author,
                holder=addressee if numbers else author,
                inst=self.institution,
                prefix=f"{year}{area:06d}",
                last=str(last),
            )
            numbers.append(number)
            self.event(author, number, 2)
        self.event(author, numbers[0], 65)
        self.event(author, numbers[1], 18)
        return int(numbers[0])

    def event(self, author: int, document: int, code: int) -> None:
        self.run(
            "INSERT INTO hist_eventos (hist_fech, usua_codi_ori, radi_nume_radi, hist_obse, usua_codi_dest, "
            "sgd_ttr_codigo) VALUES (now(), %(u)s, %(doc)s, '', %(u)s, %(code)s)",
            u=author,
            doc=document,
            code=code,
        )

    def task(self, giver: int, doer: int, document: int) -> None:
        self.run(
            "INSERT INTO tarea (radi_nume_radi, fecha_inicio, fecha_fin, fecha_maxima, usua_codi_ori, "
            "usua_codi_dest, estado, leido, avance) VALUES (%(doc)s, now(), now(), "
            "now() + interval '3 days', %(giver)s, %(doer)s, 2, 1, 100)",
            doc=document,
            giver=giver,
            doer=doer,
        )
        self.event(giver, document, 50)
        self.event(doer, document, 51)

    def functions(self, area: int, head: int, chief: int, clerk: int, deputy: int) -> None:
        """A list, a substitution that ended, a shared tray, folders, places for paper."""
        values = {"inst": self.institution, "area": area, "aiq": self.aiq}
        number = self.run(
            "INSERT INTO lista (lista_nombre, inst_codi, usua_codi, lista_fecha, lista_usua_codi) "
            "VALUES ('Jefes', %(inst)s, 0, now(), %(aiq)s) RETURNING lista_codi",
            **values,
        )
        for order, member in enumerate((head, chief)):
            self.run(
                "INSERT INTO lista_usuarios VALUES (%(list)s, %(u)s, %(order)s)",
                list=number,
                u=member,
                order=order,
            )
        self.run(
            "INSERT INTO usuarios_subrogacion (usua_subrogado, usua_subrogante, usua_fecha_inicio, "
            "usua_fecha_fin, usua_visible, usua_codi_actualiza) VALUES (%(chief)s, %(deputy)s, now(), "
            "now() + interval '5 days', 0, %(aiq)s)",
            chief=chief,
            deputy=deputy,
            **values,
        )
        self.run(
            "INSERT INTO bandeja_compartida (usua_codi_jefe, usua_codi, ban_com_fecha) "
            "VALUES (%(chief)s, %(clerk)s, CURRENT_DATE)",
            chief=chief,
            clerk=clerk,
        )
        self.run(
            "INSERT INTO trd_nivel (trd_codi, depe_codi, trd_nombre) VALUES (0, %(area)s, 'SERIE'); "
            "INSERT INTO trd (trd_codi, trd_padre, trd_nombre, depe_codi, trd_estado, trd_fecha_desde) "
            "VALUES (nextval('sec_trd'), 0, 'Correspondencia', %(area)s, 1, CURRENT_DATE)",
            **values,
        )
        self.run(
            "INSERT INTO archivo_nivel (arch_codi, depe_codi, arch_nombre) VALUES (0, %(area)s, 'BODEGA'); "
            "INSERT INTO archivo (arch_codi, arch_padre, arch_nombre, arch_sigla, depe_codi) "
            "SELECT greatest(nextval('sec_archivo'), nextval('sec_archivo')), 0, 'Bodega 1', 'B1', %(area)s",
            **values,
        )
        self.names |= {"list": int(number)}
