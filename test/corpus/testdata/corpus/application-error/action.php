<?php
function main(array $args): array
{
    return $args['n'] < 0 ? ['error' => 'n is negative'] : $args;
}
