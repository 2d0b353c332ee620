def half(price):
    return price / 2
