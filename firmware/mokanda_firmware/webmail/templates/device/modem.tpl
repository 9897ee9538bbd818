% rebase("layout.tpl", title=_("Modem and SIM"), refresh="%d;url=/device/modem?follow=%d" % (every, follow - 1) if follow else "")
<h1>{{_("Modem and SIM")}}</h1>
% include("device/modem-state.tpl")
% if not follow:
% include("device/modem-sim.tpl")
% include("device/modem-credit.tpl")
% include("device/modem-balance.tpl")
% include("device/modem-orders.tpl")
% include("device/modem-messages.tpl")
% include("device/modem-access-point.tpl")
% include("device/modem-calls.tpl")
% end
