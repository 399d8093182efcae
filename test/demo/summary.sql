-- How long each step of the demo took.
\pset footer off
SELECT title AS step, round(extract(epoch FROM lead(begun) OVER (ORDER BY begun) - begun), 1) AS seconds
FROM demo_step ORDER BY begun;
