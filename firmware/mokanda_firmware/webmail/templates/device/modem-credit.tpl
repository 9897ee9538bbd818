<section class="sheet card">
<h2>{{_("Credit")}}</h2>
% if answer:
<h3>{{_("The network answers")}}</h3>
<p class="said" role="status">{{answer}}</p>
% end
<form method="post" action="/device/modem/ask">
<input type="hidden" name="csrf" value="{{csrf}}">
% if is_menu:
<label for="code">{{_("Your choice from this menu")}}</label>
<input id="code" name="code" inputmode="tel" maxlength="40" autocomplete="off" required>
% else:
<label for="code">{{_("Code for the network")}}</label>
<input id="code" name="code" value="{{codes.balance}}" inputmode="tel" maxlength="40" autocomplete="off" required aria-describedby="about-code">
<p class="hint" id="about-code">{{_("Like *100# for the balance: it is on the card’s packing. The answer may be a menu.")}}</p>
% end
<button class="wide">{{_("Ask the network")}}</button>
</form>
% if codes.top_up and not is_menu:
<form method="post" action="/device/modem/top-up">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="voucher">{{_("Number of a voucher")}}</label>
<input id="voucher" name="voucher" inputmode="numeric" maxlength="50" autocomplete="off" required>
<button class="wide quiet">{{_("Top up")}}</button>
</form>
% end
</section>
<section class="sheet card">
<h2>{{_("Messages to the SIM card")}}</h2>
% if messages:
<ul class="attachments">
% for message in messages[:20]:
<li><strong dir="auto">{{message.sender}}</strong> <span class="reason">{{when_exactly(int(message.sent.timestamp())) if message.sent else _("time not known")}}</span>
<p class="said" dir="auto">{{message.text}}</p></li>
% end
</ul>
% else:
<p class="hint">{{_("There is no message.")}}</p>
% end
</section>
