% rebase("layout.tpl", title=_("Search"))
<form class="sheet" method="get" action="/search" role="search">
<h1><label for="q">{{_("Search")}}</label></h1>
<input id="q" name="q" type="search" value="{{fields["q"]}}" aria-describedby="about-q">
<p class="hint" id="about-q">{{_("Words from the letter, its subject, its people or its files; in quotes (“…”) as they stand together")}}</p>
<details{{!" open" if any(fields[name] for name in ("people", "subject", "since", "until", "starred")) else ""}}>
<summary>{{_("More exactly")}}</summary>
<label for="people">{{_("From or to")}}</label>
<input id="people" name="people" value="{{fields["people"]}}" autocapitalize="none">
<label for="subject">{{_("Subject")}}</label>
<input id="subject" name="subject" value="{{fields["subject"]}}">
<label for="since">{{_("From this day on")}}</label>
<input id="since" name="since" type="date" value="{{fields["since"]}}">
<label for="until">{{_("Up to this day")}}</label>
<input id="until" name="until" type="date" value="{{fields["until"]}}">
<label class="pick"><input type="checkbox" name="starred" value="1"{{!" checked" if fields["starred"] else ""}}> ★ {{_("with a star")}}</label>
</details>
<button class="wide">{{_("Search")}}</button>
</form>
% if page.lines:
<h2 class="unseen">{{_("Found")}}</h2>
% include("letters/lines.tpl", folder="")
% if page.older:
<form class="pager" method="get" action="/search">
% for name, value in fields.items():
<input type="hidden" name="{{name}}" value="{{value}}">
% end
<button class="quiet" name="before" value="{{page.older}}">{{_("Older")}}</button>
</form>
% end
% elif asked:
<p class="empty">{{_("Nothing was found.")}}</p>
% end
