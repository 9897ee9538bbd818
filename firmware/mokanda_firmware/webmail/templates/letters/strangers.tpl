% request = letter.newsletter.request if letter.newsletter else None
% if request:
<p class="hint">{{_(denials.get(request.reason, request.reason)) if request.state == "denied" else _("You are to be unsubscribed with the next mail run.")}}</p>
% if request.state == "waiting" and request.account == account.id:
<form class="aside" method="post" action="/mail/{{letter.entry}}/unsubscribe">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="plain" name="not" value="1">{{_("Do not unsubscribe")}}</button>
</form>
% end
% elif letter.newsletter:
<details class="aside">
<summary>{{_("Unsubscribe")}}</summary>
<form class="actions" method="post" action="/mail/{{letter.entry}}/unsubscribe">
<input type="hidden" name="csrf" value="{{csrf}}">
<p>{{_("Whoever sends this is told that you want no more of it. You can take that back until the next mail run, and not later.")}}</p>
<button class="quiet">{{_("Unsubscribe")}}</button>
</form>
</details>
% end
% if blockable:
<details class="aside">
<summary>{{_("Block this writer")}}</summary>
<form class="actions" method="post" action="/mail/{{letter.entry}}/block">
<input type="hidden" name="csrf" value="{{csrf}}">
% for one in blockable:
<button class="quiet" name="writer" value="{{one}}">{{_("Block") if "@" in one else _("Block all of")}} {{one}}</button>
% end
% if account.is_keeper:
<label class="pick"><input type="checkbox" name="everybody" value="1"> {{_("The whole village")}}</label>
% end
</form>
</details>
% end
