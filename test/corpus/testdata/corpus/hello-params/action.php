<?php
function main(array $args): array
{
    $greeting = ($args['name'] ?? 'nobody') . ' of ' . ($args['place'] ?? 'nowhere');
    unset($args['name'], $args['place']);
    return ['greeting' => $greeting, 'rest' => (object) $args];
}
