# SPDX-License-Identifier: Apache-2.0
"""What stands in the form of a letter: a value, read from the form and kept as a draft."""

import hashlib
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from mokanda_firmware.mailbox.costs import quotas
from mokanda_firmware.mailbox.letters import drafts, opened, photos
from mokanda_firmware.mailbox.letters.drafts import Draft
from mokanda_firmware.mailbox.people import contacts
from mokanda_firmware.webmail import forms, recipients
from mokanda_firmware.webmail.visit import Visit
from mokanda_wire.message import Attachment, Mailbox

# The fields that a draft keeps. `answers` is the entry that is answered; `once` tells a letter from
# another one with the same words, and a form that a phone sends twice from two letters.
FIELDS = ("to", "cc", "bcc", "subject", "text", "answers", "once")
# What may be wrong beside the problems of forms.
NO_QUOTA = "no quota"
SOURCE_GONE = "source gone"
OTHER_FILES = "other files"


class Sheet(NamedTuple):
    """The fields and files of a letter that is being written.

    `draft` is the number that it was last kept under. Until then, a letter that is passed on
    (`forwards` is its entry) has its files `offered`. `problem` says in a word what is wrong with
    files that should be among its own and are not. `asked` are the photos, by their digests, of
    which this form has asked how large they go: another letter's answer is none of this one's.
    """

    fields: Mapping[str, str] = MappingProxyType({})
    draft: int | None = None
    files: tuple[Attachment, ...] = ()
    forwards: int | None = None
    offered: tuple[Attachment, ...] = ()
    problem: str = ""
    asked: frozenset[str] = frozenset()

    @classmethod
    def of_draft(cls, draft: Draft) -> "Sheet":
        """Return what stands in a draft."""
        return cls(draft.fields, draft.id, draft.attachments)

    @property
    def held(self) -> str:
        """Tell its files from others, "" for none; not those offered, which a page may keep early.

        A form says so what it was shown with.
        """
        offered = {file.digest for file in self.offered}
        digests = ",".join(file.digest for file in self.files if file.digest not in offered)
        return hashlib.sha256(digests.encode()).hexdigest()[:16] if digests else ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing was written and no file was chosen."""
        return not self.files and not any(
            self.fields.get(name) for name in FIELDS if name != "once"
        )

    def with_fields(self, fields: Mapping[str, str]) -> "Sheet":
        """The same with other fields."""
        return self._replace(fields=fields)

    def with_files(self, *files: Attachment) -> "Sheet":
        """The same with other files."""
        return self._replace(files=files)

    def without(self, positions: Collection[int]) -> "Sheet":
        """The same without the files at these positions."""
        return self.with_files(*(file for at, file in enumerate(self.files) if at not in positions))

    def passing_on(self, entry: int, offered: tuple[Attachment, ...]) -> "Sheet":
        """The same, with these files of an entry to choose from."""
        return self._replace(forwards=entry, offered=offered)

    def with_chosen(self, positions: Collection[int]) -> "Sheet":
        """The same with the files chosen of those offered, in place of any that were before."""
        chosen = [file for at, file in enumerate(self.offered) if at in positions]
        digests = {file.digest for file in self.offered}
        return self.with_files(*chosen, *(one for one in self.files if one.digest not in digests))

    def with_problem(self, problem: str) -> "Sheet":
        """The same, with a word for what is wrong."""
        return self._replace(problem=problem)

    def kept_as(self, draft: int) -> "Sheet":
        """The same, now that all of it is in a draft."""
        return self._replace(draft=draft, forwards=None, offered=())


def of_form(visit: Visit) -> Sheet:
    """Return all that stands in a form: what was kept before, as it was changed, and new files."""
    form = visit.form
    sheet = before_form(visit)
    if sheet.problem == OTHER_FILES:  # the form's choices were of others
        held = {file.digest for file in sheet.files}
        new = (file for file in form.files if file.digest not in held)
        return sheet if _excess(visit, sheet) else sheet.with_files(*sheet.files, *new)
    sized = [(_in_size(visit, at, file), at) for at, file in enumerate(sheet.files)]
    asked = frozenset(file.digest for file, at in sized if visit.form[f"photo-{at}"])
    sheet = sheet.with_files(*(file for file, _ in sized))._replace(asked=asked)
    sheet = sheet.without(form.numbers("remove")).with_chosen(form.numbers("forward"))
    problem = form.problem or sheet.problem or _excess(visit, sheet)
    return sheet.with_problem(problem) if problem else sheet.with_files(*sheet.files, *form.files)


def before_form(visit: Visit) -> Sheet:
    """Return what a form says, with the files that it was shown with: those of its draft."""
    draft, entry = visit.form.number("draft"), visit.form.number("forwards")
    kept = drafts.load(visit.store, visit.villager.id, draft) if draft else None
    if kept is None:  # the page was left, and opened again
        kept = drafts.find(visit.store, visit.villager.id, visit.form["once"])
    sheet = (Sheet.of_draft(kept) if kept else Sheet()).with_fields(fields_of(visit))
    source = opened.read(visit.store, visit.villager.id, entry) if entry else None
    if entry and source:
        sheet = sheet.passing_on(entry, source.message.attachments)
    elif entry and not kept:  # it was deleted meanwhile
        return sheet.with_problem(SOURCE_GONE)
    if "held" in visit.form and visit.form["held"] != sheet.held:
        # A phone that did not get its answer sends the form again, with the files.
        before = sheet.with_files(*(one for one in sheet.files if not _is_brought(visit, one)))
        is_again = visit.form["held"] == before.held
        return before if is_again else sheet.with_problem(OTHER_FILES)  # changed elsewhere
    return sheet


def _is_brought(visit: Visit, file: Attachment) -> bool:
    """Whether a file of a draft, or what it was made of, has come with the form."""
    sizes = photos.sizes(visit.store, visit.villager.id, file)
    digests = {file.digest, sizes.whole.digest if sizes else ""}
    return any(one.digest in digests for one in visit.form.files)


def fields_of(visit: Visit) -> dict[str, str]:
    """Return the fields of a form; the people that were ticked join those written to."""
    fields = {name: visit.form[name] for name in FIELDS}
    also = [Mailbox(one) for one in visit.form.all("also")]
    # Whose session has ended, of them no groups are known, and a bare name may be one's.
    groups = contacts.groups(visit.store, visit.account.id) if also and visit.account else {}
    ticked = recipients.written(also, visit.domain if visit.account else "", groups)
    fields["to"] = ", ".join(part for part in (fields["to"].strip(" ,"), ticked) if part)
    return fields


def keep(visit: Visit, sheet: Sheet) -> Sheet:
    """Keep it as a draft; return it as it was kept.

    Raises:
        StoreError: or one of its kinds; it has not been kept.
    """
    account = visit.villager.id
    with visit.store.adding() as connection:
        draft = drafts.save(connection, account, sheet.draft, sheet.fields, sheet.files)
    return sheet.kept_as(draft)


def _in_size(visit: Visit, position: int, file: Attachment) -> Attachment:
    """Return a photo in the size that its writer has chosen."""
    chosen = visit.form[f"photo-{position}"]
    sizes = photos.sizes(visit.store, visit.villager.id, file) if chosen else None
    if sizes is None:
        return file
    return sizes.whole if chosen == "whole" else sizes.small


def _excess(visit: Visit, sheet: Sheet) -> str:
    """Say in a word what the new files are too large for; "" when they fit."""
    if visit.form.files and len(visit.form.files) + len(sheet.files) > forms.MAX_FILES:
        return forms.TOO_MANY
    new = sum(file.size for file in visit.form.files)
    if new + sum(file.size for file in sheet.files) > visit.site.upload_limit:
        return forms.TOO_LARGE
    left = quotas.usage_of(visit.store, visit.villager.id).left if new else None
    return NO_QUOTA if left is not None and new > left else ""
