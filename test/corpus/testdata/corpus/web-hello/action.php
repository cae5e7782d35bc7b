<?php
function main(array $args): array
{
    return ['body' => "<h1>Hello, {$args['name']}</h1>"];
}
