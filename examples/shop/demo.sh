#!/usr/bin/env bash
# Runs the example pipeline: examples/shop/demo.sh PROGRAM. Called by "./dev demo".
set -euo pipefail
capillaries=${1:?say which program}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=build/shop
run=("$capillaries" run examples/shop/shop.yaml --params examples/shop/params.yaml --keyspace shop --data $work/state)

title() { printf '\n== %s\n\n' "$*"; }

show() { # show FILE ROWS
    head -n "$2" "$1" | tr -d '\r' | sed 's/^/  /'
}

rm -rf $work
mkdir -p $work/out

title "The pipeline (examples/shop/shop.yaml)"
cat <<'TXT'
  items.csv ----> read_items -----+
                                  +--> price_items --+
  products.csv -> read_products --+                  +--> subtract_returns --+
  returns.csv --> read_returns ----------------------+                       +--> total_orders
  orders.csv ---> read_orders -----------------------------------------------+         |
  customers.csv > read_customers                                                       |
                        |                                   somebody looks, then: settle_orders
                        |                                                       |           |
                        |                              find_buyers <------------+           +-----> find_months
                        |                                   |                                            |
                        +--> name_buyers <-- total_buyers <-+                                      total_months
                                  |                                                                      |
                       write_best_customers                                                        write_months
                                  v                                                                      v
                         best_customers.csv                                                         months.csv
TXT

title "Run 1: read, join, subtract and total, up to the node that waits for a person"
"${run[@]}"

title "What the person looks at: the table order_totals"
"$capillaries" table head order_totals --keyspace shop --data $work/state | sed 's/^/  /'

title "Run 2: the orders are fine, so settle them and write the reports"
"${run[@]}" --start settle_orders

title "$work/out/best_customers.csv"
show $work/out/best_customers.csv 8
title "$work/out/months.csv"
show $work/out/months.csv 13

title "Where everything is, and what to try next"
cat <<TXT
  the script      examples/shop/shop.yaml, with comments; its parameters in examples/shop/params.yaml
  the data        examples/shop/data; more of it: examples/shop/generate.py --orders 1000000 --out build/shop/data
  the reports     $work/out
  the tables      $capillaries table head settled_orders --keyspace shop --data $work/state
                  $capillaries table export named_buyers --keyspace shop --data $work/state
  more customers  ${run[*]} --start write_best_customers --set best_customers=30
  check a script  $capillaries validate examples/shop/shop.yaml --params examples/shop/params.yaml
                  (misspell a field name in it and see what it says)
TXT
