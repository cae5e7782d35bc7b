<?php function main( {
