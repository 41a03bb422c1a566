from typing import Any

from crm.demo import staffing
from staff.commands import ShukeCommand
from staff.models import Membership, Person


class Command(ShukeCommand):
    help = "Print the logins of the demo restaurant whose password is still the one it was made with."

    def handle(self, *args: Any, **options: Any) -> None:
        usernames = [username for username, *_ in staffing.PEOPLE]
        open_ = Membership.objects.filter(
            person__username__in=usernames, person__is_active=True, until=None, brand__code=staffing.BRAND[0]
        )
        rows: dict[str, tuple[Person, str, list[str]]] = {}
        for held in open_.select_related("person", "store").order_by("store__code", "id"):
            row = rows.setdefault(held.person.username, (held.person, str(held.get_role_display()), []))
            row[2].append(f"{held.store.code} {held.store.name}" if held.store else "全部门店")
        # They were all made with one hash: one slow comparison tells for all who still have it.
        known = {person.password: person for person, *_ in rows.values()}
        unchanged = {sealed for sealed, person in known.items() if person.check_password(staffing.PASSWORD)}
        lines = [
            (username, staffing.PASSWORD, f"{person.name} {role}", "、".join(places))
            for username in usernames
            if username in rows
            for person, role, places in [rows[username]]
            if person.password in unchanged
        ]
        if not lines:
            self.stdout.write("There are no demo logins in this database.")
            return
        for username, password, who, where in [("login", "password", "who", "store"), *lines]:
            self.stdout.write(f"  {username:<8} {password:<12} {where}  {who}")
