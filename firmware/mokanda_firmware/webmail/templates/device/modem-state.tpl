<section class="sheet card state {{modem.mood}}"{{!' role="status"' if follow else ""}}>
% include("device/card.tpl", card=modem)
% if restart:
<p class="hint">{{restart}}</p>
% end
% if follow:
<p class="hint">{{_("This page looks again every ten seconds. Carry modem or antenna to where the signal is best.")}}</p>
<p class="actions"><a class="button quiet" href="/device/modem">{{_("Stop following")}}</a></p>
% else:
<p class="actions"><a class="button quiet" href="/device/modem?follow={{followed}}">{{_("Follow the signal")}}</a></p>
% if told and told.state in ("dialling", "connected"):
<form method="post" action="/device/modem/hang-up">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="quiet">{{_("End the call")}}</button>
</form>
% end
% end
% if others:
<h3>{{_("Also plugged in")}}</h3>
<ul class="attachments">
% for other in others:
<li>{{other.title}} <span class="reason">{{other.value}}</span></li>
% end
</ul>
% end
</section>
