"""Why an activity of the checklist is not met, in words for an AIQ."""

from __future__ import annotations

from types import MappingProxyType

REASONS = MappingProxyType(
    {
        # A: institution
        "email_missing": "Falta el correo electrónico de la institución.",
        "ruc_differs": "El RUC no es el de la solicitud.",
        "name_differs": "El nombre de la institución no es el de la solicitud.",
        "acronym_differs": "La sigla de la institución no es la de la solicitud.",
        "phone_differs": "El teléfono de la institución no es el de la solicitud.",
        "institution_inactive": "La institución está desactivada.",
        "logo_missing": "La institución no tiene logo.",
        "logo_elsewhere": "El logo registrado no está en la carpeta de logos o no es una imagen PNG o JPG.",
        "logo_file_missing": "El archivo del logo no está en el servidor.",
        "logo_file_unreadable": "El archivo del logo no es una imagen válida.",
        # B: areas
        "too_few_areas": "Además del área raíz debe existir por lo menos un área activa.",
        "no_root_area": "No hay área raíz (la que es su propia área padre).",
        "several_roots": "Hay más de un área raíz.",
        "area_circle": "Hay áreas que dependen unas de otras en círculo.",
        "parent_elsewhere": "Hay áreas cuya área padre es de otra institución.",
        "orphan_areas": "Hay áreas sin área padre, o con un área padre inactiva.",
        "sigla_missing": "Hay áreas sin sigla.",
        "sigla_not_upper": "Hay siglas de área con minúsculas.",
        "sigla_with_blank": "Hay siglas de área con espacios.",
        "sigla_repeated": "Hay siglas de área repetidas.",
        "city_missing": "Hay áreas sin ciudad, o con una ciudad que no está en el catálogo.",
        "no_areas": "La institución no tiene áreas activas.",
        "template_elsewhere": "Hay áreas que toman la hoja membretada de otra institución.",
        "template_file_missing": "Hay áreas cuya hoja membretada no está cargada.",
        "template_file_unreadable": (
            "Hay hojas membretadas que Quipux no puede abrir: guárdelas como PDF 1.4, sin contraseña."
        ),
        "template_file_too_large": "Hay hojas membretadas de más de 100 KB.",
        # C: people
        "no_users": "No hay usuarios activos además del AIQ.",
        "number_invalid": "Hay usuarios con una cédula incorrecta.",
        "number_repeated": "Hay usuarios activos con la misma cédula.",
        "login_differs": "Hay usuarios cuyo nombre de acceso no corresponde a su cédula.",
        "user_email_missing": "Hay usuarios sin correo electrónico.",
        "position_missing": "Hay usuarios sin puesto o sin puesto de cabecera.",
        "initials_missing": "Hay usuarios sin sumilla.",
        "users_without_area": "Hay usuarios sin área.",
        "users_in_foreign_area": "Hay usuarios en un área de otra institución.",
        "users_in_inactive_area": "Hay usuarios en un área inactiva.",
        "no_area_with_users": "Ninguna área activa tiene usuarios.",
        "area_without_head": "Hay áreas con usuarios y sin jefe.",
        "area_with_several_heads": "Hay áreas con más de un jefe.",
        "area_with_several_responsibles": "Hay áreas con más de un responsable de la documentación.",
        "open_accounts": "Hay cuentas activas que admiten cualquier contraseña; guárdelas otra vez.",
        "mirror_missing": "Hay usuarios que no constan en la tabla de ingreso; guárdelos otra vez.",
        "mirror_differs": "Hay usuarios cuya área o estado no coincide con la tabla de ingreso.",
        "mirror_stray": "En la tabla de ingreso constan usuarios que ya no existen.",
        # D: permissions
        "users_without_permission": "Hay usuarios activos sin ningún permiso.",
        "forbidden_permission": "Hay usuarios con permisos reservados al administrador central.",
        "aiq_without_permission": (
            "El AIQ no tiene «Administración del Sistema» y «Administrador Institucional»."
        ),
        "no_second_aiq": "No hay un AIQ de respaldo.",
        "no_desk": "Nadie puede crear documentos de entrada.",
        "desk_incomplete": (
            "A la mesa de entrada le falta el permiso de digitalizar, crear ciudadanos o ver la bandeja."
        ),
        "no_heads": "No hay jefes.",
        "heads_without_signature": "Hay jefes sin el permiso de firma digital.",
        "heads_without_certificate_kind": "Hay jefes sin tipo de certificado (token o archivo).",
        "nobody_receives_citizens": "Nadie recibe ni tramita los documentos de los ciudadanos.",
        "permissions_untraced": "Hay permisos dados sin registro de quién los dio.",
        # E: numbering and test documents
        "format_broken": "Hay formatos de numeración incompletos o mal formados.",
        "numbering_elsewhere": "Hay áreas que numeran con un área inactiva o de otra institución.",
        "counter_negative": "Hay contadores de numeración negativos.",
        "no_memorandum": "No hay un memorando enviado en el plazo.",
        "no_letter": "No hay un oficio enviado en el plazo.",
        "no_external": "No hay un documento externo registrado y enviado en el plazo.",
        "external_not_from_desk": "Los documentos externos no fueron registrados por la mesa de entrada.",
        "nothing_registered": "No se registró ningún documento en el plazo.",
        "nothing_reassigned": "No se reasignó ningún documento en el plazo.",
        "nothing_informed": "No se informó ningún documento en el plazo.",
        "nothing_archived": "No se archivó ningún documento en el plazo.",
        "nothing_sent": "No se envió ningún documento en el plazo.",
        "nothing_attached": "No se digitalizó ningún documento ni se cargó ningún anexo en el plazo.",
        "nothing_signed": "No se firmó electrónicamente ningún documento en el plazo.",
        # F: functions tried out
        "no_task": "No se asignó ninguna tarea en el plazo.",
        "no_finished_task": "Ninguna tarea fue finalizada.",
        "no_list": "La institución no tiene listas de envío activas.",
        "lists_too_short": "Ninguna lista de envío tiene dos personas o más.",
        "no_substitution": "No se registró ninguna subrogación.",
        "substitution_dates": "Las fechas de inicio y fin de la subrogación no son correctas.",
        "no_shared_tray": "Ningún jefe comparte su bandeja.",
        "no_folders": "No hay carpetas virtuales activas.",
        "folders_without_levels": "Las áreas con carpetas virtuales no tienen definidos sus niveles.",
        "folders_without_terms": "Hay carpetas virtuales sin plazo de archivo de gestión o central.",
        "no_archive_levels": "No está definida la organización física del archivo.",
        "no_archive_places": "No hay ubicaciones físicas activas.",
        # what could not be told
        "layout_lacks": "Esta versión de Quipux no guarda lo que la comprobación necesita.",
        "rights_lack": (
            "El rol de lectura no puede ver lo que la comprobación necesita; el operador debe crear otra vez "
            "los roles de la base de datos."
        ),
        "query_timed_out": "La comprobación tardó demasiado; repítala más tarde.",
        "query_failed": "La base de datos rechazó la comprobación.",
        "files_not_checked": "No se pudo revisar el archivo en el servidor de la aplicación.",
    }
)
"""Spanish sentence by reason, for each reason that an activity's evidence can have."""
