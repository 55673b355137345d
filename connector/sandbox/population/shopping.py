"""E-commerce inside a session: browse, put into the cart, order; one call may give many rows."""

from collections.abc import Callable
from random import Random

from connector.sandbox.population.records import Kind, Payload, Session, Shopping
from connector.sandbox.population.vocabulary import CATEGORIES, PRODUCTS, RATES

_Write = Callable[[Kind, Session | None, int, int, Payload], None]
_Product = tuple[str, str, str]
_QUERIES = ("", "", "scarf, blue", 'lamp 10"', "чайник", "")


def shop(write: _Write, rng: Random, session: Session, currency: str) -> None:
    """Write the e-commerce rows of a session; most visitors only look around."""
    if rng.random() < 0.4:
        return
    products = PRODUCTS["shop"]
    first = rng.choice(products)
    at = session.start_at + 5
    _write(write, session, at, _make_row(rng, "show_screen", None, currency, ""))
    _write(write, session, at + 4, _make_row(rng, "show_product_card", first, currency, ""))
    if rng.random() < 0.5:
        _write(write, session, at + 9, _make_row(rng, "show_product_details", first, currency, ""))
    if rng.random() > 0.22:
        return
    basket = [first] if rng.random() < 0.5 else [first, rng.choice(products), rng.choice(products)]
    for product in basket:
        _write(write, session, at + 12, _make_row(rng, "add_cart_item", product, currency, ""))
    if rng.random() < 0.45:
        order = f"shop-{rng.getrandbits(40):010x}"
        for step, wait_s in (("begin_checkout", 15), ("purchase", 19)):
            for product in basket:
                row = _make_row(rng, step, product, currency, order)
                _write(write, session, at + wait_s, row)


def _write(write: _Write, session: Session, at: int, row: Shopping) -> None:
    write("shopping", session, min(at, session.end_at), session.upload_delay_s, row)


def _make_row(
    rng: Random, step: str, product: _Product | None, currency: str, order: str
) -> Shopping:
    sku, name, dollars = product or ("", "", "")
    rate = float(RATES[currency])
    in_cart = step in {"add_cart_item", "begin_checkout", "purchase"}
    return Shopping(
        step=step,
        screen=rng.choice(("Main", "Catalogue, all", "Basket")),
        query="" if product else rng.choice(_QUERIES),
        product_id=sku,
        product_name=name,
        category=CATEGORIES["shop"][int(sku or 0) % 4] if product else "",
        price=f"{float(dollars) * rate * 0.9:.2f}" if product else "",
        list_price=f"{float(dollars) * rate:.2f}" if product else "",
        currency=currency if product else "",
        quantity=f"{rng.randrange(1, 4)}" if in_cart else "",
        order_id=order,
    )
