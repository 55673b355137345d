"""Cells of purchases, e-commerce rows and ad revenue."""

from typing import Protocol

from connector.sandbox.population.records import AdView, Purchase, Record, Shopping

Cells = dict[str, str]


class TimeCells(Protocol):
    """What is needed of the maker of cells: the four time cells of a prefix."""

    def times(self, prefix: str, occurred_at: int, received_at: int) -> Cells: ...


def purchase_cells(maker: TimeCells, record: Record, _: int) -> Cells:
    """The `revenue` cells; a refund has a negative price."""
    payment = record.payload
    assert isinstance(payment, Purchase)
    is_subscription = payment.product_id == "pass_month"
    return maker.times("event", record.occurred_at, record.received_at) | {
        "event_name": "purchase",
        "revenue_quantity": str(payment.quantity),
        "revenue_price": payment.price,
        "revenue_currency": payment.currency,
        "revenue_product_id": payment.product_id,
        "revenue_order_id": payment.order_id,
        "revenue_order_id_source": "user_defined",
        "is_revenue_verified": payment.verified,
        "is_revenue_autocollected": "undefined" if payment.verified == "undefined" else "false",
        "revenue_inapp_type": "subscription" if is_subscription else "one_time_purchase",
        "revenue_event_type": payment.subtype,
    }


def shopping_cells(maker: TimeCells, record: Record, _: int) -> Cells:
    """The `ecommerce` cells of one row of a call."""
    row = record.payload
    assert isinstance(row, Shopping)
    cells = maker.times("event", record.occurred_at, record.received_at) | {
        "event_name": row.step,
        "ecom_type": row.step,
        "ecom_screen_name": row.screen,
        "ecom_screen_search_query": row.query,
        "ecom_screen_payload": '{"full_screen":"true"}',
        "ecom_screen_category_path_1": "Catalogue",
        "ecom_referrer_type": "button" if record.order % 3 else "",
        "ecom_referrer_id": str(record.order % 7) if record.order % 3 else "",
    }
    if row.product_id:
        cells |= _product_cells(row)
    if row.order_id:
        cells |= {"ecom_order_id": row.order_id, "ecom_order_payload": '{"gift":"no"}'}
    return cells


def _product_cells(row: Shopping) -> Cells:
    cells = {
        "ecom_product_name": row.product_name,
        "ecom_product_sku": row.product_id,
        "ecom_product_promocodes": '["SPRING","A,B"]' if row.category == "Home" else "",
        "ecom_product_category_path_1": "Catalogue",
        "ecom_product_category_path_2": row.category,
        "ecom_product_actual_price_fiat_unit_type": row.currency,
        "ecom_product_actual_price_fiat_value": row.price,
        "ecom_product_original_price_fiat_unit_type": row.currency,
        "ecom_product_original_price_fiat_value": row.list_price,
        "ecom_product_original_price_internal_components": '[{"bonus":"10"}]',
    }
    if row.quantity:
        cells |= {
            "ecom_cart_item_quantity": row.quantity,
            "ecom_cart_item_price_fiat_unit_type": row.currency,
            "ecom_cart_item_price_fiat_value": row.price,
        }
    return cells


def ad_view_cells(maker: TimeCells, record: Record, _: int) -> Cells:
    """The `ad_revenue` cells of one impression, earned in US dollars."""
    view = record.payload
    assert isinstance(view, AdView)
    return maker.times("ad_revenue", record.occurred_at, record.received_at) | {
        "ad_revenue": view.earned,
        "ad_revenue_currency": "USD",
        "ad_revenue_type": view.form,
        "ad_revenue_data_source": "autocollected" if view.is_autocollected else "manual",
        "ad_revenue_network": view.network,
        "ad_revenue_placement_id": f"pl-{view.unit % 3}",
        "ad_revenue_placement_name": "After level" if view.unit % 2 else "Shop, top",
        "ad_revenue_unit_id": f"unit-{view.unit:03d}",
        "ad_revenue_unit_name": f"Unit {view.unit}",
        "ad_revenue_precision": "estimated" if view.unit % 4 else "publisher_defined",
        "ad_revenue_payload": '{"bid":"a, b"}' if view.unit == 1 else "",
    }
