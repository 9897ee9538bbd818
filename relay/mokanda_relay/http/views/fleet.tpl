<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mokanda relay</title>
<link rel="stylesheet" href="relay.css">
</head>
<body>
<header>
<h1>Mokanda relay</h1>
<p>{{len(villages)}} {{"village" if len(villages) == 1 else "villages"}}
· {{sum(each.waiting_down for each in villages)}} mails wait for them
· {{sum(each.waiting_out for each in villages)}} wait for the world
· {{now.strftime("%-d %B %Y, %H:%M")}} UTC</p>
</header>
<main>
% if missing_setting:
<p class="notice">Mail to the world waits: <code>{{missing_setting}}</code> is not set.</p>
% end
% for each in webhooks:
%     if each.missing_setting:
<p class="notice">The {{each.title}} is off: <code>{{each.missing_setting}}</code> is not set.</p>
%     end
% end
% if progress:
<p class="notice">Move {{progress.move.number}}, announced on {{progress.move.at.strftime("%-d %B %Y")}}:
devices find this relay at <code>{{progress.move.relay}}</code>.
{{len(villages) - len(progress.left)}} of {{len(villages)}} have followed.</p>
% end
% for each in held:
<p class="notice">Version {{each.version}} for {{each.board}} is held: {{each.why}}.
<a href="releases">Have it go on, or withdraw it</a>.</p>
% end
% if villages:
<div class="scroll">
<table>
<thead>
<tr>
<th scope="col">Village</th>
<th scope="col">State</th>
<th scope="col">Last contact</th>
<th scope="col" class="number">Waiting</th>
<th scope="col" class="number">Mails</th>
<th scope="col" class="number">Data</th>
<th scope="col" class="number">This month</th>
<th scope="col">Signal</th>
<th scope="col">Version</th>
</tr>
</thead>
<tbody>
% for each in villages:
% device = each.device
% move = f"<small>move {progress.move.number}: {progress.states[device.name]}</small>" if progress else ""
<tr>
<th scope="row" data-label="Village">{{device.name}}<small>{{device.domain}}</small><small>{{limits(device)}}</small></th>
% if device.claimed is None:
<td data-label="State"><span class="state new">not claimed</span>{{!move}}</td>
% elif each.cards:
<td data-label="State"><span class="state wrong">two cards</span><small>a copy of its card calls too: <a href="device/{{device.name}}/cards">choose one</a></small>{{!move}}</td>
% elif device.error:
<td data-label="State"><span class="state wrong">trouble</span><small>{{device.error}}</small>{{!move}}</td>
% elif device.last_exchange is None:
<td data-label="State"><span class="state new">claimed</span>{{!move}}</td>
% elif each.is_quiet:
<td data-label="State"><span class="state quiet">quiet</span>{{!move}}</td>
% else:
<td data-label="State"><span class="state well">well</span>{{!move}}</td>
% end
<td data-label="Last contact" class="short">{{ago(device.last_exchange)}}\\
% if each.has_tried:
<small>tried {{ago(device.last_contact)}}</small>\\
% end
% if each.has_left:
<small>mail was left; all went {{ago(device.last_sync)}}</small>\\
% end
</td>
<td data-label="Waiting" class="number">↓ {{each.waiting_down}}<small>↑ {{each.waiting_out}}</small></td>
<td data-label="Mails" class="number">↓ {{device.mails_in}}<small>↑ {{device.mails_out}}</small></td>
<td data-label="Data" class="number">↓ {{size(device.bytes_down)}}<small>↑ {{size(device.bytes_up)}}</small></td>
<td data-label="This month" class="number">{{size(each.month.up + each.month.down)}}\\
% if each.month.price():
<small>{{each.month.price()}}</small>\\
% end
</td>
<td data-label="Signal">\\
% if isinstance(each.report.get("signal"), int):
<span class="short"><meter min="0" max="100" low="30" optimum="80" value="{{each.report["signal"]}}"></meter> {{each.report["signal"]}} %</span>\\
% else:
–\\
% end
</td>
<td data-label="Version" class="short">{{device.version or "–"}}<small>{{each.report.get("board", "")}}</small>\\
% if updates(device) != "stable":
<small>updates: {{updates(device)}}</small>\\
% end
</td>
</tr>
% end
</tbody>
</table>
</div>
% else:
<p class="notice">No village yet. <code>mokanda-relay device add NAME --output mokanda-claim.toml</code>
makes the claim file for the first one.</p>
% end
% if alerts:
<h2>What happened lately</h2>
<ul class="alerts">
% for each in alerts:
<li><time datetime="{{each.at.isoformat(timespec="seconds")}}">{{each.at.strftime("%-d %b, %H:%M")}}</time>
<span class="kind">{{each.kind}}</span> {{each.text}}{{f" (the last of {each.count} on that day)" if each.count > 1 else ""}}</li>
% end
</ul>
% end
</main>
<footer>Arrows: ↓ to the village, ↑ from it. Times are UTC. <a href="releases">Releases</a> · <a href="metrics">Metrics</a></footer>
</body>
</html>
