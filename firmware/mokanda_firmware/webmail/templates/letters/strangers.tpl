% if blockable:
<details class="aside">
<summary>{{_("Block this writer")}}</summary>
<form class="actions" method="post" action="/mail/{{letter.entry}}/block">
<input type="hidden" name="csrf" value="{{csrf}}">
% for one in blockable:
<button class="quiet" name="writer" value="{{one}}">{{_("Block") if "@" in one else _("Block all of")}} {{one}}</button>
% end
% if account.is_keeper:
<label><input type="checkbox" name="everybody" value="1"> {{_("The whole village")}}</label>
% end
</form>
</details>
% end
