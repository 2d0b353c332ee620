#!/usr/bin/env python3
"""Makes the data of the shop: customers, products, orders, items and returns, in any size and always the same.

    examples/shop/generate.py --orders 200 --out examples/shop/data
"""
import argparse
import datetime
import os
import random

PRODUCTS = [  # name, category, price in cents
    ("Espresso cup", "kitchen", 790), ("Teapot, cast iron", "kitchen", 4990), ("Bread knife", "kitchen", 2450),
    ("Cutting board, oak", "kitchen", 3200), ("Salad bowl", "kitchen", 1890), ("Pepper mill", "kitchen", 2790),
    ("Desk lamp", "office", 5900), ("Notebook, A5", "office", 690), ("Fountain pen", "office", 3490),
    ("Paper tray", "office", 1590), ("Wall calendar", "office", 1290), ("Pencil set, 12", "office", 890),
    ("Garden shears", "garden", 2990), ("Watering can", "garden", 2190), ("Bird feeder", "garden", 1790),
    ("Flower pot, large", "garden", 1450), ("Rake", "garden", 2650), ("Seed box \"Meadow\"", "garden", 590),
    ("Wool blanket", "home", 6900), ("Candle, beeswax", "home", 1190), ("Door mat", "home", 1990),
    ("Picture frame", "home", 1490), ("Umbrella stand", "home", 4490), ("Coat hook", "home", 990),
]
FIRST_NAMES = ["Ada", "Béla", "Carla", "Dmitri", "Elif", "François", "Greta", "Hiro", "Inês", "Jakub", "Katya", "Łukasz",
               "Mina", "Nils", "Olga", "Pavel", "Rosa", "Søren", "Tara", "Umut", "Vera", "Wei", "Yara", "Zoë"]
LAST_NAMES = ["Almeida", "Brandt", "Costa", "Dvořák", "Evans", "Ferrari", "García", "Hansen", "Ito", "Jansen", "Kowalski",
              "Lindqvist", "Müller", "Novak", "O'Brien", "Petrov", "Rossi", "Silva", "Tanaka", "Weber"]
CITIES = ["Berlin", "Kraków", "Lisboa", "Lyon", "Malmö", "Milano", "Oslo", "Porto", "Praha", "Utrecht", "Wien", "Zürich"]
CHANNELS = ["web", "web", "web", "app", "app", "phone"]
REASONS = ["damaged", "does not fit", "changed my mind", "arrived late"]
START = datetime.datetime(2025, 1, 1)
YEAR_SECONDS = 365 * 24 * 3600


class Dice:
    """Draws from random() alone, whose sequence for a seed is the same in every version of Python."""

    def __init__(self, seed):
        self.next = random.Random(seed).random

    def below(self, limit):
        return int(self.next() * limit)

    def pick(self, choices):
        return choices[self.below(len(choices))]


def field(text):
    """Quoted only where CSV needs it."""
    if any(c in text for c in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def money(cents):
    return "%d.%02d" % divmod(cents, 100)


def open_file(folder, name, header):
    file = open(os.path.join(folder, name), "w", encoding="utf-8", newline="")
    file.write(header + "\n")
    return file


def write_customers(folder, count, dice):
    with open_file(folder, "customers.csv", "customer_id,name,city,member_since") as file:
        for i in range(count):
            name = dice.pick(FIRST_NAMES) + " " + dice.pick(LAST_NAMES)
            since = START - datetime.timedelta(days=dice.below(2000))
            file.write("C%05d,%s,%s,%s\n" % (i + 1, field(name), dice.pick(CITIES), since.strftime("%Y-%m-%d")))


def write_products(folder):
    with open_file(folder, "products.csv", "sku,name,category,price") as file:
        for i, (name, category, cents) in enumerate(PRODUCTS):
            file.write("SKU-%03d,%s,%s,%s\n" % (i + 1, field(name), category, money(cents)))


def write_orders(folder, count, customers, dice):
    """Orders come in order of time; one in forty was abandoned and has no items; one line in fifteen comes back."""
    orders = open_file(folder, "orders.csv", "order_id,customer_id,ordered_at,channel")
    items = open_file(folder, "items.csv", "order_id,line,sku,quantity,unit_price")
    returns = open_file(folder, "returns.csv", "order_id,line,returned_at,reason,refund")
    with orders, items, returns:
        for order_id in range(100001, 100001 + count):
            share = (order_id - 100001 + dice.next()) / count
            ordered_at = START + datetime.timedelta(seconds=int(share * YEAR_SECONDS))
            # Squaring makes some customers frequent ones.
            customer = int(dice.next() ** 2 * customers) + 1
            orders.write("%d,C%05d,%s,%s\n" % (order_id, customer, ordered_at.strftime("%Y-%m-%d %H:%M:%S"),
                                              dice.pick(CHANNELS)))
            lines = 0 if dice.below(40) == 0 else 1 + dice.below(4)
            for line in range(1, lines + 1):
                product = dice.below(len(PRODUCTS))
                quantity = 1 + int(dice.next() ** 3 * 6)
                # Now and then a line has a discount of 10 %.
                cents = PRODUCTS[product][2] * (9 if dice.below(8) == 0 else 10) // 10
                items.write("%d,%d,SKU-%03d,%d,%s\n" % (order_id, line, product + 1, quantity, money(cents)))
                if dice.below(15) == 0:
                    back = 1 + dice.below(quantity)
                    returned_at = ordered_at + datetime.timedelta(days=2 + dice.below(25), seconds=dice.below(86400))
                    returns.write("%d,%d,%s,%s,%s\n" % (order_id, line, returned_at.strftime("%Y-%m-%d %H:%M:%S"),
                                                        dice.pick(REASONS), money(cents * back)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
    arguments = parser.parse_args()
    customers = max(arguments.orders // 5, 1)
    os.makedirs(arguments.out, exist_ok=True)
    write_customers(arguments.out, customers, Dice(1))
    write_products(arguments.out)
    write_orders(arguments.out, arguments.orders, customers, Dice(2))


if __name__ == "__main__":
    main()
