<section class="sheet card">
<h2>{{_("Messages to the SIM card")}}</h2>
% if messages:
<ul class="attachments">
% for message in messages[:20]:
<li><strong dir="auto">{{message.sender}}</strong> <span class="reason">{{_("from the network") if message.of_network else ""}} {{when_exactly(sent_at(message)) if message.sent else _("time not known")}}</span>
<p class="said" dir="auto">{{message.text}}</p></li>
% end
</ul>
% else:
<p class="hint">{{_("There is no message.")}}</p>
% end
</section>
