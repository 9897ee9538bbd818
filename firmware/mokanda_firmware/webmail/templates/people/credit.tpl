% rebase("layout.tpl", title=_("Villagers' credit"))
<h1>{{_("Villagers' credit")}}</h1>
<form class="sheet card" method="post" action="/credit">
<p>{{_("Villagers can pay in, and what their letters cost is taken off after each mail run. Keepers pay nothing.")}}</p>
% if not currency:
<p><a href="/plan">{{_("First tell under “Times and prices” what data costs.")}}</a></p>
% end
<input type="hidden" name="csrf" value="{{csrf}}">
<label class="pick"><input type="checkbox" name="on" value="1"{{!" checked" if rules.on else ""}}> {{_("Villagers pay for their letters")}}</label>
<label class="pick"><input type="checkbox" name="refuse" value="1"{{!" checked" if rules.refuse else ""}} aria-describedby="about-refuse"> {{_("Letters to the world wait when the credit is used up")}}</label>
<p class="hint" id="about-refuse">{{_("Reading and receiving are never refused.")}}</p>
<button class="wide">{{_("Save")}}</button>
</form>
% for total in totals:
<section class="sheet card">
<h2>{{_("The money in {currency}").format(currency=total.currency)}}</h2>
<table class="sums">
<tbody>
% for title, amount in ((_("Paid in"), total.moved.get("paid", 0)), (_("Paid back"), total.moved.get("returned", 0)), (_("Undone"), total.moved.get("corrected", 0)), (_("Spent on letters"), -total.spent), (_("Left to the village"), total.moved.get("left", 0))):
<tr><th scope="row">{{title}}</th><td>{{exact(amount, total.currency)}}</td></tr>
% end
<tr><th scope="row"><b>{{_("Held for villagers")}}</b></th><td><b>{{exact(total.held, total.currency)}}</b></td></tr>
</tbody>
</table>
<table class="sums">
<tbody>
<tr><th scope="row">{{_("Spent on letters")}}</th><td>{{exact(total.spent, total.currency)}}</td></tr>
<tr><th scope="row">{{_("The village's own")}}</th><td>{{exact(total.own, total.currency)}}</td></tr>
% if total.open:
<tr><th scope="row">{{_("Not divided yet")}}</th><td>{{exact(total.open, total.currency)}}</td></tr>
% end
<tr><th scope="row"><b>{{_("Spent by the SIM card")}}</b></th><td><b>{{exact(total.link, total.currency)}}</b></td></tr>
</tbody>
</table>
% if not total.agree:
<p class="problem">{{_("These figures do not add up: a part of the mail store was lost.")}}</p>
% end
<p class="hint">{{_("The village's own: calling the relay, updates, the letters of keepers, and what is nobody's letter. By the prices that you have told.")}}</p>
</section>
% end
% if rules.on or totals:
<section class="sheet card">
<h2>{{_("By villager")}}</h2>
<ul class="attachments">
% for one, balances in villagers:
<li><a href="/credit/{{one.id}}">{{who_is(one)}}</a> <span class="hint">{{", ".join(exact(amount, currency) for currency, amount in balances.items()) or _("nothing")}}</span></li>
% end
</ul>
% if gone:
<h2>{{_("Deleted villagers")}}</h2>
<ul class="attachments">
% for number, last in gone.items():
<li><a href="/credit/{{number}}">{{last.name}}</a> <span class="hint">{{when_exactly(last.at)}}</span></li>
% end
</ul>
% end
</section>
% end
