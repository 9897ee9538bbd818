<section class="sheet card">
<h2>{{_("The last calls")}}</h2>
% if calls:
<div class="scroll" tabindex="0" role="group" aria-label="{{_("The last calls")}}">
<table class="wordy">
<thead><tr><th scope="col">{{_("Took")}}</th><th scope="col">{{_("sent")}}</th><th scope="col">{{_("received")}}</th></tr></thead>
% for call in calls:
<tbody>
<tr><th scope="rowgroup" colspan="3">{{when_exactly(int(call.started.timestamp())) if call.started else _("time not known")}} <span class="reason">{{call.apn}}</span></th></tr>
<tr class="on"><td>{{"%d:%02d" % divmod(call.seconds, 60)}}</td><td>{{size(call.up)}}</td><td>{{size(call.down)}}</td></tr>
<tr class="on"><td colspan="3">{{ended(call.trouble) if call.trouble else _("It ended as it should.")}}</td></tr>
</tbody>
% end
</table>
</div>
% else:
<p class="hint">{{_("There has been no call yet.")}}</p>
% end
</section>
