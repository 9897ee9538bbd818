<section class="sheet card state {{sim.mood}}">
% include("device/card.tpl", card=sim)
% if told and told.state == "pin":
<form method="post" action="/device/modem/pin">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="number" value="{{next_order}}">
<input type="hidden" name="imei" value="{{told.imei}}">
<label for="pin">{{_("PIN of the SIM card")}}</label>
<input id="pin" name="pin" inputmode="numeric" maxlength="8" autocomplete="off" required aria-describedby="about-pin">
<p class="hint" id="about-pin">{{_("Three wrong PINs lock the card.")}}\\
% if told.tries is not None:
 {{_("Tries left: {count}.").format(count=told.tries)}}\\
% end
</p>
<label class="pick"><input type="checkbox" name="keep" value="1"> {{_("Keep it: the device gives it to this card by itself, whenever the card asks")}}</label>
<button class="wide">{{_("Unlock the SIM card")}}</button>
</form>
% elif told and told.state == "puk":
<form method="post" action="/device/modem/puk">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="number" value="{{next_order}}">
<input type="hidden" name="imei" value="{{told.imei}}">
<label for="puk">{{_("PUK of the SIM card")}}</label>
<input id="puk" name="puk" inputmode="numeric" maxlength="8" autocomplete="off" required aria-describedby="about-puk">
<p class="hint" id="about-puk">{{_("Ten wrong PUKs end the card for good. The network’s shop tells the PUK.")}}\\
% if told.tries is not None:
 {{_("Tries left: {count}.").format(count=told.tries)}}\\
% end
</p>
<label for="new-pin">{{_("New PIN")}}</label>
<input id="new-pin" name="pin" inputmode="numeric" maxlength="8" autocomplete="off" required>
<button class="wide">{{_("Unlock the SIM card")}}</button>
</form>
% end
</section>
