% request = letter.newsletter.request if letter.newsletter else None
% if request:
<p class="hint">{{_(denials.get(request.reason, request.reason)) if request.state == "denied" else _("You are to be unsubscribed with the next mail run.")}}</p>
% elif letter.newsletter:
<form class="aside" method="post" action="/mail/{{letter.entry}}/unsubscribe">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="plain">{{_("Unsubscribe")}}</button>
</form>
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
