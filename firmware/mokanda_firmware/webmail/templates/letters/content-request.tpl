% size_and_price = ", ".join(filter(None, (size(whole), price(whole))))
% asked = request is not None and request.state != "denied"
% day = day_too_small(whole)
% if request and not asked:
<p class="hint">{{_(denials.get(request.reason, request.reason))}}</p>
% elif day:
<p class="hint">{{_("It is larger than the data for a whole day. The keeper can send it all the same.")}} {{size(whole)}} / {{size(day)}}</p>
% elif asked:
<p class="hint">{{_("Asked for: it comes with one of the next mail runs.")}} {{size_and_price}}</p>
% end
% if not asked or request.state != "leaving" and request.account == account.id:
<form class="fetch" method="post" action="/mail/{{letter.entry}}/fetch">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="{{field}}" value="{{value}}">
% if asked:
<button class="plain" name="not" value="1">{{_("Do not fetch it")}}</button>
% else:
<button class="quiet">{{ask}}</button> <span class="hint">{{size_and_price}}</span>
% end
</form>
% end
