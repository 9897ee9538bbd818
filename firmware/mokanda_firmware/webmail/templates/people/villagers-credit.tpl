% rebase("layout.tpl", title=name)
<section class="sheet card">
<h1>{{name}}</h1>
% include("account/balance.tpl")
% if not villager:
<p class="hint">{{_("This account is deleted. What was left, or owed, is the village's.")}}</p>
% elif villager.is_keeper:
<p class="hint">{{_("Keepers pay nothing for their letters.")}}</p>
% end
% if villager and rules.on and currency:
<form method="post" action="/credit/{{villager.id}}">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="once" value="{{once}}">
<input type="hidden" name="currency" value="{{currency}}">
<label for="amount">{{_("Amount in {currency}").format(currency=currency)}}</label>
<input id="amount" name="amount" value="{{typed}}" inputmode="decimal" autocomplete="off" required>
<button class="wide">{{_("Pay in")}}</button>
</form>
% elif villager and not rules.on:
<p class="hint">{{_("Credit is not sold here. Switch it on first.")}}</p>
% end
% for number, (held, amount) in enumerate(balances.items()):
% if villager and amount > 0:
<details>
<summary>{{_("Pay back")}}: {{held}}</summary>
<form method="post" action="/credit/{{villager.id}}">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="once" value="{{once}}">
<input type="hidden" name="back" value="{{held}}">
<label for="back-{{number}}">{{_("Amount in {currency}").format(currency=held)}}</label>
<input id="back-{{number}}" name="amount" inputmode="decimal" autocomplete="off" required>
<button class="wide quiet">{{_("Pay back")}}</button>
</form>
</details>
% end
% end
</section>
<section class="sheet card">
<h2>{{_("What was paid and spent")}}</h2>
% include("account/entries.tpl", undoes=bool(villager))
<p class="actions"><a class="button quiet" href="/credit">{{_("Back")}}</a></p>
</section>
