% if entries:
<ul class="attachments">
% for entry in entries:
<li>{{when_exactly(entry.at)}}: {{what(entry)}} <b>{{exact(entry.amount, entry.currency)}}</b>\\
% if entry.is_payment:
 <a href="/credit/receipt/{{entry.number}}">{{_("Receipt {number}").format(number=entry.number)}}</a>\\
% end
% if entry.corrected_by:
 <span class="hint">{{_("undone")}}</span>\\
% end

% if get("undoes") and entry.is_correctable:
<details>
<summary>{{_("Undo")}}</summary>
<form method="post" action="/credit/entries/{{entry.number}}/undo">
<input type="hidden" name="csrf" value="{{csrf}}">
<label class="pick"><input type="checkbox" name="sure" value="1" required> {{_("Yes, this payment was a mistake")}}</label>
<button class="quiet">{{_("Undo")}}</button>
</form>
</details>
% end
</li>
% end
</ul>
% if older:
<p class="pager"><a class="button quiet" href="{{path}}?before={{older}}">{{_("Older")}}</a></p>
% end
% else:
<p class="hint">{{_("Nothing was paid or spent yet.")}}</p>
% end
