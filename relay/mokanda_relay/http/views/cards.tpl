<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{name}}: its cards</title>
<link rel="stylesheet" href="../../relay.css">
</head>
<body>
<header>
<h1>{{name}}: its cards</h1>
<p>{{now.strftime("%-d %B %Y, %H:%M")}} UTC · <a href="../../">all villages</a></p>
</header>
<main>
% if cards:
<p class="notice">Two cards call as this device: one is a copy of the other. One is served; the other
gets no mail, and its letters wait on it. Each box says on its page <em>Device</em> whether it is
served or refused, and when its last mail run was: ask the keeper who has the box that is to go on, and
have the other one switched off for good, its card wiped. The village's own box is as a rule the one
with more villagers, and with the mail up to the higher bundle. What the other card got meanwhile comes again to the one that you choose.</p>
<form method="post">
<input type="hidden" name="proof" value="{{proof}}">
<fieldset>
<legend>Which one is served</legend>
% for each in cards:
<label><input type="radio" name="card" value="{{each.id}}" required{{!" checked" if each.served else ""}}>
card {{each.id}}: {{"served last" if each.served else "refused last"}}
<small>last call {{at(each.called)}}, {{ago(each.called)}}, from {{each.address or "–"}}; first call {{at(each.since)}}, {{ago(each.since)}}</small>
<small>villagers that it told of: {{figure(each.villagers)}}; has the mail to the village up to bundle {{figure(each.applied_down)}}; bundle of letters that waits on it: {{figure(each.announced_up)}}; version {{each.version or "–"}}</small></label>
% end
</fieldset>
<button>Serve this one from now on</button>
</form>
% else:
<p class="notice">Only one card calls as this device.</p>
% end
</main>
</body>
</html>
