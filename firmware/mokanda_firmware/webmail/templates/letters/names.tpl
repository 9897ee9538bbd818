% shown = people if len(people) <= 8 else people[:3]
% for number, one in enumerate(shown):
{{", " if number else ""}}<bdi>{{who(one)}}</bdi>\\
% end
% if len(shown) < len(people):
<details>
<summary>{{_("and {number} more").format(number=len(people) - len(shown))}}</summary>
% for number, one in enumerate(people[len(shown):]):
{{", " if number else ""}}<bdi>{{who(one)}}</bdi>\\
% end
</details>\\
% end
