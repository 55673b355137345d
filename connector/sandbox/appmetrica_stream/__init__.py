"""The AppMetrica Data Stream API over the invented population.

Contract: appmetrica.yandex.com/docs/en/mobile-api/datastream; where that is silent, the scenario's
`[stream]` settings decide.
"""
