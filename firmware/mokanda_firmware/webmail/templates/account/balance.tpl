% for currency, amount in balances.items():
<p>{{_("Credit:") if amount > 0 else _("Owed:")}} <b>{{exact(abs(amount), currency)}}</b></p>
% end
% for sentence in other:
<p class="note">{{sentence}}</p>
% end
% if not balances:
<p>{{_("There is no credit.")}}</p>
% end
