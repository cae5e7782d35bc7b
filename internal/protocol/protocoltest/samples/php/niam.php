<?php function niam(array $args) : array { return ['niam' => true]; }
