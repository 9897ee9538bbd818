<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The rest of the world</title>
<style>
body { font: 1rem/1.45 system-ui, sans-serif; max-width: 48rem; margin: 0 auto; padding: 1rem;
  color: #1d2a24; background: #fbfaf6; }
article, form, .said { background: #fff; border: 1px solid #d9dfd9; border-radius: 4px;
  padding: .8rem 1rem; margin: 1rem 0; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 0 0 .3rem; }
dl { display: grid; grid-template-columns: 5rem 1fr; gap: .1rem .6rem; margin: 0; }
dt { color: #5e6d66; } dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
label { display: grid; grid-template-columns: 6rem 1fr; margin: .3rem 0; }
</style>
</head>
<body>
<h1>The rest of the world</h1>
<p>This stands in for SendGrid and everyone behind it. It keeps the villages' mail to itself.</p>
% if said:
<p class="said">{{said}}</p>
% end
<form method="post" action="write" enctype="multipart/form-data">
<h2>Write to a villager</h2>
<label>From <input name="from" value="{{form["from"]}}" required></label>
<label>To <input name="to" value="{{form["to"]}}" required></label>
<label>Subject <input name="subject" value="{{form["subject"]}}"></label>
<label>Text <textarea name="text" rows="5"></textarea></label>
<label>Attach <input type="file" name="attachment" multiple></label>
<input type="hidden" name="in_reply_to" value="{{form["in_reply_to"]}}">
<button>Send</button>
</form>
% if not mails:
<p>No mail has come yet.</p>
% end
% for number, mail in mails:
% body = mail.body
<article>
<h2>{{body["subject"]}}</h2>
<dl>
<dt>From</dt><dd>{{body["from"].get("name", "")}} &lt;{{body["from"]["email"]}}&gt;</dd>
<dt>To</dt><dd>{{", ".join(mail.recipients)}}</dd>
<dt>At</dt><dd>{{time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(mail.at))}} UTC</dd>
</dl>
<pre>{{mail.text}}</pre>
% for index, each in enumerate(body.get("attachments", [])):
<p>📎 <a href="sent/{{number}}/{{index}}" download="{{each["filename"]}}">{{each["filename"]}}</a></p>
% end
<p><a href="?reply={{number}}">Reply</a></p>
</article>
% end
</body>
</html>
