<form class="sheet card" method="post" action="/device/modem/balance">
<h2>{{_("Balance")}}</h2>
<input type="hidden" name="csrf" value="{{csrf}}">
% if balance and balance.text:
<p>{{_("On {day} the network said:").format(day=balance.day)}}</p>
<p class="said" dir="auto">{{balance.text}}</p>
%   if balance.value is None:
<p class="hint">{{_("The device finds no amount in it.")}}</p>
%   else:
<p>{{_("Kept for that day: {amount}.").format(amount=money(balance))}} <a href="/spending">{{_("Data and money")}}</a></p>
%   end
% elif balance:
<p>{{_("On {day} the network was asked, and told nothing.").format(day=balance.day)}}</p>
% end
<label for="balance_code">{{_("Code for the balance")}}</label>
<input id="balance_code" name="balance_code" value="{{fields["balance_code"]}}" inputmode="tel" maxlength="{{most["code"]}}" autocomplete="off" aria-describedby="{{"wrong-balance_code " if "balance_code" in wrong else ""}}about-balance_code"{{!' aria-invalid="true" autofocus' if "balance_code" in wrong else ""}}>
% if "balance_code" in wrong:
<p class="wrong" id="wrong-balance_code">{{wrong["balance_code"]}}</p>
% end
<p class="hint" id="about-balance_code">{{_("Leave it empty to ask by {code}, which is known of this network.").format(code=codes.balance) if codes.balance else _("The card’s packing has it. The device knows none for this card’s network.")}}</p>
<label class="pick"><input type="checkbox" name="balance_daily" value="1"{{!" checked" if fields["balance_daily"] else ""}} aria-describedby="about-balance_daily"> {{_("Ask for the balance once a day, after a mail run")}}</label>
<p class="hint" id="about-balance_daily">{{_("Try the code above first: with some networks the answer costs a little.")}}</p>
<button class="wide">{{_("Save")}}</button>
</form>
