#!/usr/bin/env python3
"""The example pipeline: its reports right to the byte, computed here a second time, for any number of threads and batches."""
import csv
import io
import os
import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import ROOT, check, check_equal, check_fails, main, test

SHOP = os.path.join(ROOT, "examples", "shop")
CENT = Decimal("0.01")


def rows(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def order_totals(folder):
    products = {row["sku"] for row in rows(folder, "products.csv")}
    refunds = {}
    for row in rows(folder, "returns.csv"):
        key = row["order_id"], row["line"]
        refunds[key] = refunds.get(key, Decimal(0)) + Decimal(row["refund"])
    items = {}
    for row in rows(folder, "items.csv"):
        if row["sku"] in products:
            items.setdefault(row["order_id"], []).append(row)
    for order in rows(folder, "orders.csv"):
        lines = items.get(order["order_id"], [])
        order["pieces"] = sum(int(line["quantity"]) for line in lines)
        order["gross"] = sum((Decimal(line["unit_price"]) * int(line["quantity"]) for line in lines), Decimal(0))
        order["refund"] = sum((refunds.get((line["order_id"], line["line"]), Decimal(0)) for line in lines), Decimal(0))
        order["net"] = order["gross"] - order["refund"]
        order["month"] = order["ordered_at"][:7]
        if order["gross"] > 0:
            yield order


def grouped(orders, key):
    groups = {}
    for order in orders:
        groups.setdefault(order[key], []).append(order)
    return groups


def csv_text(header, lines):
    """As the product writes it: CR LF after the header, LF after the other lines."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(header)
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue().encode("utf-8")


def total(orders, field):
    return sum((order[field] for order in orders), Decimal(0))


def expected_best_customers(orders, folder, limit):
    names = {row["customer_id"]: row for row in rows(folder, "customers.csv")}
    lines = []
    for customer, mine in grouped(orders, "customer_id").items():
        net = total(mine, "net")
        average = (net / len(mine)).quantize(CENT, ROUND_HALF_UP)
        lines.append([customer, names[customer]["name"], names[customer]["city"], len(mine),
                      sum(order["pieces"] for order in mine), net.quantize(CENT), average,
                      max(order["net"] for order in mine).quantize(CENT), total(mine, "refund").quantize(CENT)])
    lines.sort(key=lambda line: (-line[5], line[0]))
    return csv_text(["Customer", "Name", "City", "Orders", "Pieces", "Net", "Average", "Largest", "Returned"],
                    lines[:limit])


def expected_months(orders):
    lines = []
    for month, mine in sorted(grouped(orders, "month").items()):
        gross, refund = total(mine, "gross"), total(mine, "refund")
        lines.append([month, len(mine), sum(order["channel"] == "phone" for order in mine), gross.quantize(CENT),
                      refund.quantize(CENT), total(mine, "net").quantize(CENT),
                      "%.1f%%" % (float(refund) * 100.0 / float(gross))])
    return csv_text(["Month", "Orders", "By phone", "Gross", "Refunds", "Net", "Refunded"], lines)


def run_shop(box, folder, *arguments, out="out", state="state"):
    os.makedirs(box.path(out), exist_ok=True)
    common = ["run", os.path.join(SHOP, "shop.yaml"), "--params", os.path.join(SHOP, "params.yaml"), "--keyspace", "test",
              "--data", box.path(state), "--set", "dir_in=" + folder, "--set", "dir_out=" + box.path(out)] + list(arguments)
    first = box.capi(*common)
    check(first.code == 0, "run 1 failed: %s" % first)
    check_equal(os.listdir(box.path(out)), [], "what run 1 wrote")
    check(b"settle_orders" in first.err, "run 1 does not say what waits for the operator: %s" % first)
    second = box.capi(*common, "--start", "settle_orders")
    check(second.code == 0, "run 2 failed: %s" % second)


def check_reports(box, folder, out="out"):
    orders = list(order_totals(folder))
    check_equal(sorted(os.listdir(box.path(out))), ["best_customers.csv", "months.csv"], "what was written")
    check_equal(box.read(out, "best_customers.csv"), expected_best_customers(orders, folder, 20), "best_customers.csv")
    check_equal(box.read(out, "months.csv"), expected_months(orders), "months.csv")


@test
def the_reports_are_right_to_the_byte(box):
    folder = os.path.join(SHOP, "data")
    run_shop(box, folder)
    check_reports(box, folder)


@test
def the_data_that_is_checked_in_is_what_the_generator_makes(box):
    subprocess.run([sys.executable, os.path.join(SHOP, "generate.py"), "--orders", "200", "--out", box.path("data")],
                   check=True)
    for name in os.listdir(os.path.join(SHOP, "data")):
        with open(os.path.join(SHOP, "data", name), "rb") as file:
            check_equal(box.read("data", name), file.read(), name)


@test
def more_orders_give_right_reports_too(box):
    subprocess.run([sys.executable, os.path.join(SHOP, "generate.py"), "--orders", "5000", "--out", box.path("data")],
                   check=True)
    run_shop(box, box.path("data"), "--threads", "2")
    check_reports(box, box.path("data"))


@test
def tables_and_reports_are_the_same_for_any_number_of_threads(box):
    subprocess.run([sys.executable, os.path.join(SHOP, "generate.py"), "--orders", "1500", "--out", box.path("data")],
                   check=True)
    tables = ["orders", "items", "priced_items", "net_items", "order_totals", "settled_orders", "buyers", "buyer_totals",
              "named_buyers", "month_totals"]
    first = None
    for threads in ("1", "2", "8"):
        run_shop(box, box.path("data"), "--threads", threads, out="out" + threads, state="state" + threads)
        check_reports(box, box.path("data"), out="out" + threads)
        content = {table: box.table(table, state="state" + threads) for table in tables}
        first = first or content
        for table in tables:
            check_equal(content[table], first[table], "table %s with %s threads" % (table, threads))


@test
def a_limit_on_the_command_line_comes_before_the_parameter_file(box):
    folder = os.path.join(SHOP, "data")
    params = box.write("params.json", {"dir_in": folder, "dir_out": box.path("out"), "batches": 3, "best_customers": 3})
    shop = os.path.join(SHOP, "shop.yaml")
    box.run_well(shop, "--params", params)
    box.run_well(shop, "--params", params, "--start", "settle_orders", "--set", "best_customers=5")
    check_equal(box.read("out", "best_customers.csv"), expected_best_customers(list(order_totals(folder)), folder, 5),
                "best_customers.csv")


@test
def the_example_is_valid_and_a_misspelt_field_is_shown_where_it_stands(box):
    shop = os.path.join(SHOP, "shop.yaml")
    params = os.path.join(SHOP, "params.yaml")
    good = box.capi("validate", shop, "--params", params)
    check(good.code == 0, str(good))
    with open(shop, encoding="utf-8") as file:
        text = file.read().replace("r.c_quantity\"", "r.c_quantty\"", 1)
    bad = box.capi("validate", box.write("shop.yaml", text), "--params", params)
    line = text[:text.index("r.c_quantty")].count("\n") + 1
    check_fails(bad, 2, "shop.yaml:%d:" % line, "c_quantty", "r.c_quantity", "^~")


main()
