<!doctype html>
<html lang="{{language.code}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{_("Receipt {number}").format(number=entry.number)}} – Mokanda</title>
<link rel="stylesheet" href="{{stylesheet}}">
</head>
<body class="paper">
<main id="main">
<p class="unprinted"><a class="skip" href="#main">{{_("Skip to the content")}}</a><a class="button quiet" href="{{to}}">{{_("Back")}}</a></p>
<div class="card">
<h1>{{_("Receipt {number}").format(number=entry.number)}}</h1>
% if entry.corrected_by:
<p class="wrong">{{_("Undone: receipt {number} takes its place.").format(number=entry.corrected_by)}}</p>
% end
<dl>
<div><dt>{{_("Village")}}</dt><dd>{{village}}</dd></div>
<div><dt>{{_("Villager")}}</dt><dd>{{entry.name}}@{{domain}}</dd></div>
<div><dt>{{_("Date")}}</dt><dd>{{when_exactly(entry.at)}}</dd></div>
<div><dt>{{what}}</dt><dd><b>{{exact(entry.amount, entry.currency)}}</b></dd></div>
<div><dt>{{_("Credit after it")}}</dt><dd>{{exact(balance, entry.currency)}}</dd></div>
<div><dt>{{_("Keeper")}}</dt><dd>{{entry.actor}}</dd></div>
</dl>
</div>
</main>
</body>
</html>
