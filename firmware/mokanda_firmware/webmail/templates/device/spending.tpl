% rebase("layout.tpl", title=_("Data and money"))
<h1>{{_("Data and money")}}</h1>
<section class="sheet card">
<h2>{{_("This month")}}</h2>
<p>{{_("{up} sent, {down} received").format(up=size(total.up), down=size(total.down))}}{{": " + money(total.money) if money.currency else ""}}</p>
% if left is not None:
<p>{{_("Today {size} are left.").format(size=size(max(0, left)))}}</p>
% end
</section>
<section class="sheet card">
<h2>{{_("The last days")}}</h2>
% if rows:
<svg class="plot" role="img" viewBox="0 0 {{wide}} {{height + 6}}" preserveAspectRatio="none" aria-label="{{_("Data of the last days; the table below has the numbers.")}}">
% for bar in bars:
<rect class="down" x="{{bar.x}}" y="{{height - bar.down}}" width="{{width}}" height="{{bar.down}}"/><rect class="up" x="{{bar.x}}" y="{{height - bar.down - bar.up}}" width="{{width}}" height="{{bar.up}}"/>\\
% if bar.failed:
<rect class="failed" x="{{bar.x}}" y="{{height + 2}}" width="{{width}}" height="4"/>\\
% end

% end
</svg>
<p class="hint key"><i class="up"></i> {{_("sent")}} <i class="down"></i> {{_("received")}} <i class="failed"></i> {{_("a mail run failed")}}</p>
% if balance:
<p>{{_("Balance of the SIM card on {day}: {amount}").format(day=balance.day, amount=amount(balance))}}</p>
% end
% if balance_bars:
<svg class="plot" role="img" viewBox="0 0 {{wide}} {{height}}" preserveAspectRatio="none" aria-label="{{_("Balance of the SIM card on these days; the table below has the numbers.")}}">
% for bar in balance_bars:
<rect class="{{"rise" if bar.rises else "rest"}}" x="{{bar.x}}" y="{{height - bar.height}}" width="{{width}}" height="{{bar.height}}"/>
% end
</svg>
<p class="hint key"><i class="rest"></i> {{_("balance")}} <i class="rise"></i> {{_("more than before")}}</p>
% end
<details>
<summary>{{_("The numbers")}}</summary>
<div class="scroll" tabindex="0" role="group" aria-label="{{_("The numbers")}}">
<table>
<thead><tr><th scope="col">{{_("Day")}}</th><th scope="col">{{_("sent")}}</th><th scope="col">{{_("received")}}</th>\\
% if money.currency:
<th scope="col">{{_("cost")}}</th>\\
% end
% if is_balance_asked:
<th scope="col">{{_("balance")}}</th>\\
% end
<th scope="col">{{_("mail runs")}}</th></tr></thead>
<tbody>
% for row in rows:
% day = row.day
<tr><th scope="row">{{day.day}}</th><td>{{size(day.used.up)}}</td><td>{{size(day.used.down)}}</td>\\
% if money.currency:
<td>{{money(day.used.money)}}</td>\\
% end
% if is_balance_asked:
<td>{{"" if row.balance is None else _("not told") if row.balance.value is None else amount(row.balance)}}</td>\\
% end
<td>{{day.runs}}{{", " + ngettext("{number} failed", "{number} failed", day.failed).format(number=day.failed) if day.failed else ""}}</td></tr>
% end
</tbody>
</table>
</div>
</details>
% else:
<p class="hint">{{_("Nothing has been sent or received yet.")}}</p>
% end
</section>
% if runs:
<section class="sheet card">
<details>
<summary>{{_("The last mail runs")}}</summary>
<ul class="attachments">
% for run in runs:
<li>{{when_exactly(int(run.started.timestamp()))}}: {{ngettext("{number} letter sent", "{number} letters sent", run.sent).format(number=run.sent)}}, {{ngettext("{number} received", "{number} received", run.received).format(number=run.received)}}, {{size(run.bytes_up + run.bytes_down)}}{{", " + money(run.money, run.currency) if run.currency else ""}}\\
% if run.error:
 <span class="reason">{{said(run.error)}}</span>\\
% end
</li>
% end
</ul>
</details>
</section>
% end
<section class="sheet card">
<h2>{{_("This month by villager")}}</h2>
<ul class="attachments">
% for one, share in villagers:
<li><a href="/villagers/{{one.id}}">{{who_is(one)}}</a> <span class="hint">{{size(share.size) if share else _("nothing")}}{{", " + money(share.money) if share and money.currency else ""}}</span></li>
% end
<li>{{_("Calling the relay, and what is nobody's letter")}} <span class="hint">{{size(rest) if rest else _("nothing")}}</span></li>
</ul>
</section>
<form class="sheet card" method="post" action="/spending/budget">
<h2>{{_("Data for a day")}}</h2>
<input type="hidden" name="csrf" value="{{csrf}}">
% for name, title, chosen, offered in (("village", _("The whole village"), budget.village, amounts[0]), ("villager", _("Each villager"), budget.villager, amounts[1])):
<label for="{{name}}">{{title}}</label>
<select id="{{name}}" name="{{name}}">
<option value="">{{_("no end")}}</option>
% for amount in sorted({*offered, chosen} - {None}):
<option value="{{amount}}"{{!" selected" if amount == chosen else ""}}>{{size(amount)}}</option>
% end
</select>
% end
<p class="hint">{{_("What does not fit waits for the next day, small letters first. A letter that is larger than a whole day's data waits until you send it on the page of the device.")}}</p>
<button class="wide">{{_("Save")}}</button>
</form>
