-- Begin a step of the demo: note the time and print the variable "step".
\set ECHO none
INSERT INTO demo_step VALUES (clock_timestamp(), :'step');
\echo
\echo '==' :step
\echo
\set ECHO queries
