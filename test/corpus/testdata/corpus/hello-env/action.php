<?php
define('NAME', getenv('NAME'));
function main(array $args): array
{
    return ['greeting' => NAME . ' of ' . getenv('PLACE')];
}
