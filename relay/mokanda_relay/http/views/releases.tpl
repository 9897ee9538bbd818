<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mokanda relay: releases</title>
<link rel="stylesheet" href="relay.css">
</head>
<body>
<header>
<h1>Releases</h1>
<p>{{now.strftime("%-d %B %Y, %H:%M")}} UTC · <a href="./">all villages</a></p>
</header>
<main>
% for each in standings:
% entry, rollout = each.entry, each.rollout
<h2>{{entry.version}} for {{entry.board}}</h2>
% if rollout.state == "held":
<p class="notice">Held: {{rollout.why}}. It is offered to nobody until you say what is to become of it.</p>
% end
<p><span class="state {{{"held": "wrong", "withdrawn": "new"}.get(rollout.state, "well")}}">{{each.says}}</span>
<small>now for {{each.offered_to}} devices; runs on {{len(each.running)}}; given up by {{len(each.failed)}}; added {{entry.added}}</small></p>
% if each.failed:
<ul class="alerts">
% for name, trial in each.failed:
<li><span class="kind">{{name}}</span> {{trial.why or "gave no reason"}}</li>
% end
</ul>
% end
<form method="post">
<input type="hidden" name="proof" value="{{proof}}">
<input type="hidden" name="release" value="{{entry.name}}">
% if rollout.state == "growing":
%     if rollout.channel == "candidate":
<button name="do" value="to-stable">Begin to offer it to the stable devices</button>
%     elif rollout.share < 100:
<button name="do" value="to-all">Offer it to all now</button>
%     end
<button name="do" value="hold">Hold</button>
% else:
<button name="do" value="go-on">Go on offering it</button>
% end
% if rollout.state != "withdrawn":
<button name="do" value="withdraw">Withdraw</button>
% end
</form>
% end
% if not standings:
<p class="notice">No release yet. <code>mokanda-relay release add</code> offers one.</p>
% end
</main>
</body>
</html>
