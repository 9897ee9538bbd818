<p class="actions">\\
% if not no_answer:
<a class="button" href="/mail/{{letter.entry}}/reply">{{_("Reply")}}</a>
% end
% if to_all and not no_answer:
<a class="button quiet" href="/mail/{{letter.entry}}/reply-all">{{_("Reply to all")}}</a>
% end
<a class="button quiet" href="/mail/{{letter.entry}}/forward">{{_("Forward")}}</a></p>
