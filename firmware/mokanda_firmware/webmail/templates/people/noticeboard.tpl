% rebase("layout.tpl", title=_("News"))
<h1>{{_("News of the village")}}</h1>
% if not notices:
<p class="empty">{{_("There is nothing on the board yet.")}}</p>
% end
% for notice in notices:
<article class="sheet card">
<h2 dir="auto">{{notice.title}}</h2>
<p class="hint"><bdi>{{called(notice.name, notice.author)}}</bdi>, {{when_exactly(notice.at)}}</p>
<div class="text" dir="auto">{{!to_html(notice.text)}}</div>
% if account and account.is_helper:
<form method="post" action="/news/{{notice.id}}/delete">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="plain">{{_("Take down")}}<span class="unseen">: {{notice.title}}</span></button>
</form>
% end
</article>
% end
% if older:
<p class="pager"><a class="button quiet" href="/news?before={{older}}">{{_("Older")}}</a></p>
% end
% if account and account.is_helper:
<form class="sheet card" method="post" action="/news">
<h2>{{_("A new notice")}}</h2>
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="title">{{_("Title")}}</label>
<input id="title" name="title" value="{{title}}" maxlength="200" required>
<label for="text">{{_("Text")}}</label>
<textarea id="text" name="text" maxlength="20000" rows="6" required aria-describedby="about-text">
{{text}}</textarea>
<p class="hint" id="about-text">{{_("*bold*, _slanted_; lines that begin with - are a list")}}</p>
<button class="wide">{{_("Put it on the board")}}</button>
</form>
% end
