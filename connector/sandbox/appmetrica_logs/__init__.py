"""The AppMetrica Logs API over the invented population.

Contract: appmetrica.yandex.com/docs/en/mobile-api/logs; where that is silent, the scenario's
`[logs]` settings decide.
"""
