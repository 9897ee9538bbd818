<section class="sheet card">
<h2>{{_("Credit")}}</h2>
% if answer:
<h3>{{_("The network answers")}}</h3>
<p class="said" role="status">{{answer}}</p>
% end
<form method="post" action="/device/modem/ask">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="number" value="{{next_order}}">
<input type="hidden" name="card" value="{{card}}">
% if open_menu and not is_ordered:
<input type="hidden" name="menu" value="{{open_menu}}">
<label for="code">{{_("Your choice from this menu")}}</label>
<input id="code" name="code" inputmode="tel" maxlength="40" autocomplete="off" required>
% else:
<label for="code">{{_("Code for the network")}}</label>
<input id="code" name="code" value="{{settings.balance_code or codes.balance}}" inputmode="tel" maxlength="40" autocomplete="off" required aria-describedby="about-code">
<p class="hint" id="about-code">{{_("Like *100# for the balance: it is on the card’s packing. The answer may be a menu.")}}</p>
% end
<button class="wide">{{_("Ask the network")}}</button>
</form>
</section>
