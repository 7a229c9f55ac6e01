"""What an institution's administrator (AIQ) does in the administration pages of the real release.

Each method is one form of theirs, filled in and sent as a browser would. Paths and names of fields are the
release's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.real.forms import Form, multipart, read_form
from tests.stand_in.http_client import Browser, PageError, visible

DEPENDENCIES = "Administracion/dependencias"
USERS = "Administracion/usuarios"
SUBROGATION = "Administracion/subrogacion"

NORMAL, HEAD = 0, 1  # usr_perfil


@dataclass(frozen=True)
class Person:
    """Somebody whose account the AIQ makes. `initials` (sumilla): up to 5 characters."""

    national_id: str
    names: str
    surnames: str
    position: str
    email: str
    initials: str


class Aiq(Browser):
    """The administrator's browser; log in first."""

    def upload(self, path: str, fields: list[tuple[str, str]], **files: tuple[str, bytes, str]) -> str:
        """The answer to a form with files: {field: (name, content, media type)}."""
        return self.post_body(path, *multipart(fields, files))

    def edit_institution(self, logo: bytes, **changes: str) -> str:
        """Instituciones: the institution's data and logo (PNG); `changes` by the form's names."""
        path = "Administracion/tbasicas/adm_instituciones.php"
        form = read_form(self.get(path))
        fields = form.filled(**changes, txtExt="png", btn_accion="Aceptar")
        page = self.upload(path, fields, arch_logo=("logo.png", logo, "image/png"))
        return expect(page, "Los cambios se realizaron exitosamente")

    def create_area(
        self, name: str, acronym: str, parent: int, city: str, template: bytes | None = None
    ) -> str:
        """Áreas > Crear Área. `city`: its name in the form's list; `template`: the letterhead, a PDF."""
        form = read_form(self.get(f"{DEPENDENCIES}/admDependencias_ajax.php?accion=1"))
        return self._save_area(
            form,
            1,
            template,
            txt_nombre=name,
            txt_sigla=acronym,
            slc_padre=str(parent),
            txt_ciudad=form.choice("txt_ciudad", city),
        )

    def edit_area(self, area: int, template: bytes | None = None, **changes: str) -> str:
        """Áreas > Editar Área."""
        form = read_form(self.get(f"{DEPENDENCIES}/admDependencias_ajax.php?accion=2&dependencia={area}"))
        return self._save_area(form, 2, template, **changes)

    def _save_area(self, form: Form, action: int, template: bytes | None, **changes: str) -> str:
        fields = form.filled(**changes, txt_ok="1")
        files = {"arch_plantilla": ("plantilla.pdf", template, "application/pdf")} if template else {}
        page = self.upload(f"{DEPENDENCIES}/adm_dependencias_grabar.php?accion={action}", fields, **files)
        return expect(page, "correctamente")

    def create_user(
        self, person: Person, area: int, city: str, permissions: list[int], profile: int = NORMAL, **more: str
    ) -> int:
        """Usuarios internos > Crear: the data, the profile and the permission tabs. Gives usua_codi."""
        form = read_form(self.get(f"{USERS}/adm_usuario.php?accion=1"))
        fields = form.filled(
            usr_cedula=person.national_id,
            usr_tipo_id="0",
            usr_nombre=person.names,
            usr_apellido=person.surnames,
            usr_depe=area,
            codi_ciudad=form.choice("codi_ciudad", city),
            usr_email=person.email,
            usr_cargo=person.position,
            usr_cargo_cabecera=person.position,
            usr_sumilla=person.initials,
            usr_perfil=profile,
            **_boxes(permissions),
            **more,
        )
        return self._save_user(fields, 1)

    def edit_user(
        self, user: int, grant: tuple[int, ...] = (), revoke: tuple[int, ...] = (), **changes: str | None
    ) -> int:
        """Usuarios internos > Editar; permissions as boxes ticked or unticked. No new password is mailed."""
        form = read_form(self.get(f"{USERS}/adm_usuario.php?accion=2&usr_codigo={user}"))
        held = {int(n) for n in form.get("codigo_permisos").split(",") if n}
        fields = form.filled(
            **{**_boxes(sorted(held | set(grant) - set(revoke))), "usr_contrasena": None, **changes},
            codigo_permisos_eli="".join(f",{n}," for n in revoke),
        )
        return self._save_user(fields, 2)

    def _save_user(self, fields: list[tuple[str, str]], action: int) -> int:
        page = self.upload(f"{USERS}/grabar_usuario.php?accion={action}", fields)
        expect(page, "correctamente")
        return int(read_form(page).get("nuevo_codigo_usr"))

    def create_citizen(self, person: Person, city: int) -> None:
        """Ciudadanos > Crear: somebody outside who sends documents; permission 16 is enough."""
        form = read_form(self.get(f"{USERS}/adm_usuario_ext.php?accion=1"))
        fields = form.filled(
            ciu_cedula=person.national_id,
            ciu_nombre=person.names,
            ciu_apellido=person.surnames,
            ciu_cargo=person.position,
            ciu_email=person.email,
            ciu_ciudad=city,
        )
        page = self.post("Administracion/ciudadanos/grabar_usuario_ext.php?accion=1", fields)
        expect(page, "fue creado correctamente")

    def _area_people(self, action: str, user: int, head: int | str, area: int) -> None:
        """What the areas page sends for heads and shared trays; its answer is empty."""
        fields = {"__class": "usuario", "__action": action, "data": f"{user},{head},{area}"}
        answer = visible(self.post(f"{USERS}/update_usuarioarea.php", fields))
        if answer:
            raise PageError(f"{action}: {answer[:200]}")

    def make_head(self, user: int, area: int) -> None:
        """Áreas > Editar Área: the person becomes the area's head."""
        self._area_people("grabar_jefe", user, "", area)

    def share_tray(self, head: int, user: int, area: int) -> None:
        """Áreas > Editar Área: the head's tray of received documents is shared with somebody of the area."""
        self._area_people("compartirUsuarioBandeja", user, head, area)

    def number_documents(
        self, area: int, shape: str = "inst-dep-anio-secuencial-tipodoc", **changes: str
    ) -> int:
        """Numeración de documentos: one format for each type of document of an area. Gives how many types."""
        path = "Administracion/tbasicas/adm_formato_doc.php"
        form = read_form(self.post(path, {"depe_actu": str(area)}))
        types = int(form.get("numreg"))
        abbreviations = {"1": "O", "2": "E", "3": "M", "4": "C", "5": "A", "6": "N", "8": "R", "9": "P"}
        for number in range(types):
            kind = form.get(f"tipo_{number}")
            changes |= {f"txt_{number}": shape, f"txtip_{number}": abbreviations.get(kind, "D")}
        self.post(path, form.filled(**changes, btn_accion="Aceptar"))
        return types

    def create_list(self, name: str, members: list[int]) -> str:
        """Listas de envío: a list of the institution."""
        form = read_form(self.get("Administracion/listas/listas.php"))
        fields = form.filled(
            txt_lista_codi="0",
            txt_lista_nombre=name,
            txt_lista_descripcion=name,
            txt_lista_tipo="0",
            txt_lista_orden="0",
            txt_lista_estado="1",
            txt_usuarios_lista="".join(f"-{one}-" for one in members),
        )
        return expect(self.post("Administracion/listas/listas_grabar.php", fields), "correctamente")

    def organise_folders(self, area: int, levels: list[str]) -> None:
        """Carpetas Virtuales > Organización: the names of an area's levels, from the top."""
        self._levels("tipo_documental/adm_trd_nivel.php", area, levels)

    def organise_archive(self, area: int, levels: list[str]) -> None:
        """Archivo Físico > Organización Física del Archivo: the names of the levels."""
        self._levels("archivo/adm_archivo_nivel.php", area, levels)

    def _levels(self, path: str, area: int, levels: list[str]) -> None:
        form = read_form(self.post(path, {"depe_actu": str(area)}))
        names = {f"nom_{number}": name for number, name in enumerate(levels)}
        self.post(path, form.filled(**names, txt_ok="1"))

    def create_folder(self, area: int, name: str, parent: int = 0, office: int = 5, central: int = 15) -> str:
        """Carpetas Virtuales: a folder, with its years in the office's and in the central archive."""
        fields = {
            "txtOk": "1",
            "txtCodigo": "",
            "txtPadre": str(parent),
            "txtNombre": name,
            "txtArch1": str(office),
            "txtArch2": str(central),
            "txtNivel": "1" if parent else "0",
            "txtEstado": "1",
            "depe_actu": str(area),
        }
        return expect(self.post("tipo_documental/nuevo_trd_grabar.php", fields), "Se ha creado el Item")

    def create_place(self, name: str, acronym: str, parent: int = 0, *, lowest: bool = False) -> str:
        """Archivo Físico > Nueva Ubicación Física, in the AIQ's own area; only the lowest level is active."""
        fields = {
            "txtOk": "1",
            "txtCodigo": "",
            "txtPadre": str(parent),
            "txtNombre": name,
            "txtSigla": acronym,
            "txtEstado": "1" if lowest else "0",
        }
        return expect(self.post("archivo/nueva_ubicacion_fisica_grabar.php", fields), "Se ha creado el Item")

    def subrogate(self, absent: int, deputy: int, area: int, since: str, until: str) -> str:
        """Usuarios internos > Crear Subrogación de Puesto; dates as 2026-11-03."""
        fields = {
            "usr_subrogado": str(absent),
            "usr_subrogante": str(deputy),
            "dependencia_jefe": str(area),
            "txt_fecha_desde": since,
            "txt_fecha_hasta": until,
            "txt_hora_desde": "08:00",
            "txt_hora_hasta": "17:00",
        }
        return visible(self.post(f"{SUBROGATION}/grabar_usuario_subrogante.php", fields))

    def end_subrogation(self, absent: int, deputy: int) -> str:
        """Usuarios internos > Desactivar Subrogación de Puesto."""
        query = f"codigo_subrogado={absent}&codigo_subrogante={deputy}"
        return visible(self.get(f"{SUBROGATION}/desactivar_usuario_subrogante.php?{query}"))


def _boxes(permissions: list[int]) -> dict[str, str]:
    """Ticked permissions as the tabs send them: each box, and the list that its script keeps."""
    boxes = {f"usr_permiso_{number}": "on" for number in permissions}
    return {"codigo_permisos": "".join(f",{number}," for number in permissions), **boxes}


def expect(page: str, sign: str) -> str:
    """The page's text. Raises PageError where the sign of success is missing."""
    text = visible(page)
    if not re.search(sign, text):
        raise PageError(f"no {sign!r} in: {text[-400:] or page[-400:]}")
    return text
