<section class="sheet card state {{sim.mood}}">
% include("device/card.tpl", card=sim)
</section>
