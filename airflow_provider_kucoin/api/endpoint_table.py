"""
KuCoin's REST endpoints, one line each; :mod:`~airflow_provider_kucoin.api.endpoints` reads them.

A line is: method, path, permission, pool, weight, notes. To add an endpoint, add its line; to use it by name, add a
constant to :mod:`~airflow_provider_kucoin.api.endpoints`.

* **path**: variables in braces.
* **permission**: as the ``permission`` string of ``/api/v1/user/api-key`` has it. The documentation's tags differ:
  "Transfer" here is the tag "Withdrawal", "InnerTransfer" the tag "FlexTransfers". ``-`` is a public endpoint,
  which is not signed.
* **pool**, **weight**: what a call draws from which quota; ``?`` where no source tells.
* **notes**: ``null`` when success comes without data (documented samples), and what it **moves**:

  * ``out``: money leaves the account. Never reached by a general call: ``KucoinHook.withdraw`` keeps to the
    connection's withdrawal policy.
  * ``between``: money goes from one account of its owner to another. Never reached by a general call either: after a
    lost answer ``KucoinHook.transfer`` finds out whether it has moved.
  * ``within``: orders, borrowing, repaying, lending, Earn, margin of positions, conversions. What the account holds or
    owes changes, but nothing leaves it; a general call may do that, and so may whoever writes a DAG.
  * nothing: reads, settings, cancelling, sub-accounts and their API keys (which cannot withdraw, by KuCoin's rules).

Source, where a section names none: KuCoin's published OpenAPI descriptions (synced 2025-05-29). They list the fees of
futures as PATCH, to keep it apart from another endpoint of the same path; it is a GET. "Official client" is
kucoin-universal-sdk 1.3. Where KuCoin's own sources say nothing, other clients do: ccxt, Kucoin.Net and
tiagosiebler/kucoin-api. Where KuCoin itself tells two weights, the larger one stands.

Not here: the endpoints of exchange brokers, which are on a host of their own, and the market data of the Unified
account. An endpoint that is not here can be called all the same, signed, but not within a quota that is known.
"""

#: The endpoints of the spot host, which serves margin, funding, Earn and the Unified account too.
SPOT_HOST = """
# Account
GET    /api/v2/user-info                                              General          Management   20
# the next: the weight of its twin of the Unified account; its pool is in no source
GET    /api/kyc/regions/v4                                            General          ?            20
GET    /api/v1/user/api-key                                           General          Management   20
GET    /api/v1/hf/accounts/opened                                     General          Spot         30
GET    /api/v1/accounts                                               General          Management    5
GET    /api/v1/accounts/{accountId}                                   General          Management    5
GET    /api/v3/margin/accounts                                        General          Spot         15
GET    /api/v3/isolated/accounts                                      General          Spot         15
GET    /api/v1/accounts/ledgers                                       General          Management    2
GET    /api/v1/hf/accounts/ledgers                                    General          Spot          2
GET    /api/v3/hf/margin/account/ledgers                              General          Spot          2

# Account, abandoned
GET    /api/v1/margin/account                                         General          Spot         40
GET    /api/v1/isolated/accounts                                      General          Spot         50
GET    /api/v1/isolated/account/{symbol}                              General          Spot         50

# Sub-accounts
POST   /api/v2/sub/user/created                                       General          Management   15
POST   /api/v3/sub/user/margin/enable                                 Margin           Management   15 null
POST   /api/v3/sub/user/futures/enable                                Futures          Management   15 null
GET    /api/v2/sub/user                                               General          Management   20
GET    /api/v1/sub-accounts/{subUserId}                               General          Management   15
GET    /api/v2/sub-accounts                                           General          Management   20
POST   /api/v1/sub/api-key                                            General          Management   20
GET    /api/v1/sub/api-key                                            General          Management   20
DELETE /api/v1/sub/api-key                                            General          Management   30
POST   /api/v1/sub/api-key/update                                     General          Management   30

# Sub-accounts, abandoned
GET    /api/v1/sub/user                                               General          Management   20
GET    /api/v1/sub-accounts                                           General          Management   20

# Deposits
POST   /api/v3/deposit-address/create                                 General          Management   20
GET    /api/v3/deposit-addresses                                      General          Management    5
GET    /api/v1/deposits                                               General          Management    5

# Deposits, abandoned
GET    /api/v2/deposit-addresses                                      General          Management    5
GET    /api/v1/deposit-addresses                                      General          Management    5
POST   /api/v1/deposit-addresses                                      General          Management   20
GET    /api/v1/hist-deposits                                          General          Management    5

# Withdrawals
GET    /api/v1/withdrawals/quotas                                     General          Management   20
POST   /api/v3/withdrawals                                            Transfer         Management    5 out
DELETE /api/v1/withdrawals/{withdrawalId}                             Transfer         Management   20 null
GET    /api/v1/withdrawals/{withdrawalId}                             General          Management   20
GET    /api/v1/withdrawals                                            General          Management   20

# Withdrawals, abandoned
POST   /api/v1/withdrawals                                            Transfer         Management    5 out
GET    /api/v1/hist-withdrawals                                       General          Management   20

# Transfers
GET    /api/v1/accounts/transferable                                  General          Management   20
POST   /api/v3/accounts/universal-transfer                            InnerTransfer    Management    4 between

# Transfers, abandoned
POST   /api/v2/accounts/sub-transfer                                  Spot             Management   30 between
POST   /api/v2/accounts/inner-transfer                                Spot             Management   10 between

# Fees
GET    /api/v1/base-fee                                               General          Spot          3
GET    /api/v1/trade-fees                                             General          Spot          3

# Market data
GET    /api/v3/announcements                                          -                Public       20
GET    /api/v3/currencies/{currency}                                  -                Public        3
GET    /api/v3/currencies                                             -                Public        3
GET    /api/v2/symbols/{symbol}                                       -                Public        4
GET    /api/v2/symbols                                                -                Public        4
GET    /api/v1/market/orderbook/level1                                -                Public        2
GET    /api/v1/market/allTickers                                      -                Public       15
GET    /api/v1/market/histories                                       -                Public        3
GET    /api/v1/market/candles                                         -                Public        3
GET    /api/v1/market/orderbook/level2_{size}                         -                Public        2
GET    /api/v3/market/orderbook/level2                                General          Spot          3
GET    /api/v1/market/orderbook/callauction/level2_{size}             -                Public        2
GET    /api/v1/market/callauctionData                                 -                Public        2
GET    /api/v1/prices                                                 -                Public        3
GET    /api/v1/market/stats                                           -                Public       15
GET    /api/v1/markets                                                -                Public        3
GET    /api/v1/my-ip                                                  -                Public        0
GET    /api/v1/timestamp                                              -                Public        3
GET    /api/v1/status                                                 -                Public        3
POST   /api/v1/bullet-public                                          -                Public       10
POST   /api/v1/bullet-private                                         General          Spot         10

# Spot orders
POST   /api/v1/hf/orders                                              Spot             Spot          1 within
DELETE /api/v1/hf/orders                                              Spot             Spot          2
POST   /api/v1/hf/orders/sync                                         Spot             Spot          1 within
POST   /api/v1/hf/orders/test                                         Spot             Spot          1
POST   /api/v1/hf/orders/multi                                        Spot             Spot          1 within
POST   /api/v1/hf/orders/multi/sync                                   Spot             Spot          1 within
DELETE /api/v1/hf/orders/{orderId}                                    Spot             Spot          1
GET    /api/v1/hf/orders/{orderId}                                    General          Spot          2
DELETE /api/v1/hf/orders/sync/{orderId}                               Spot             Spot          1
DELETE /api/v1/hf/orders/client-order/{clientOid}                     Spot             Spot          1
GET    /api/v1/hf/orders/client-order/{clientOid}                     General          Spot          2
DELETE /api/v1/hf/orders/sync/client-order/{clientOid}                Spot             Spot          1
DELETE /api/v1/hf/orders/cancel/{orderId}                             Spot             Spot          2
DELETE /api/v1/hf/orders/cancelAll                                    Spot             Spot         30
POST   /api/v1/hf/orders/alter                                        Spot             Spot          1 within
GET    /api/v1/hf/orders/active/symbols                               Spot             Spot          2
GET    /api/v1/hf/orders/active                                       General          Spot          2
GET    /api/v1/hf/orders/active/page                                  General          Spot          2
GET    /api/v1/hf/orders/done                                         General          Spot          2
GET    /api/v1/hf/fills                                               General          Spot          2
GET    /api/v1/hf/orders/dead-cancel-all/query                        Spot             Spot          2
POST   /api/v1/hf/orders/dead-cancel-all                              Spot             Spot          2
GET    /api/v1/stop-order                                             General          Spot          8
GET    /api/v1/stop-order/{orderId}                                   General          Spot          3
DELETE /api/v1/stop-order/cancel                                      Spot             Spot          3
GET    /api/v1/stop-order/queryOrderByClientOid                       General          Spot          3
DELETE /api/v1/order/client-order/{clientOid}                         Spot             Spot          3

# Spot orders, abandoned
POST   /api/v1/stop-order                                             Spot             Spot          1 within
DELETE /api/v1/stop-order/cancelOrderByClientOid                      Spot             Spot          5
DELETE /api/v1/stop-order/{orderId}                                   Spot             Spot          3
POST   /api/v3/oco/order                                              Spot             Spot          2 within
DELETE /api/v3/oco/order/{orderId}                                    Spot             Spot          3
GET    /api/v3/oco/order/{orderId}                                    General          Spot          2
DELETE /api/v3/oco/client-order/{clientOid}                           Spot             Spot          3
GET    /api/v3/oco/client-order/{clientOid}                           General          Spot          2
DELETE /api/v3/oco/orders                                             Spot             Spot          3
GET    /api/v3/oco/orders                                             General          Spot          2
GET    /api/v3/oco/order/details/{orderId}                            General          Spot          2
POST   /api/v1/orders                                                 Spot             Spot          2 within
DELETE /api/v1/orders                                                 Spot             Spot         20
GET    /api/v1/orders                                                 General          Spot          2
POST   /api/v1/orders/test                                            Spot             Spot          2
POST   /api/v1/orders/multi                                           Spot             Spot          3 within
DELETE /api/v1/orders/{orderId}                                       Spot             Spot          3
GET    /api/v1/orders/{orderId}                                       General          Spot          2
GET    /api/v1/order/client-order/{clientOid}                         General          Spot          3
GET    /api/v1/limit/orders                                           General          Spot          3
GET    /api/v1/fills                                                  General          Spot         10
GET    /api/v1/limit/fills                                            General          Spot         20

# Margin orders
POST   /api/v3/hf/margin/order                                        Margin           Spot          2 within
POST   /api/v3/hf/margin/order/test                                   Margin           Spot          2
DELETE /api/v3/hf/margin/orders/{orderId}                             Margin           Spot          2
GET    /api/v3/hf/margin/orders/{orderId}                             General          Spot          5
DELETE /api/v3/hf/margin/orders/client-order/{clientOid}              Margin           Spot          2
GET    /api/v3/hf/margin/orders/client-order/{clientOid}              General          Spot          5
DELETE /api/v3/hf/margin/orders                                       Margin           Spot          5
GET    /api/v3/hf/margin/order/active/symbols                         Margin           Spot          4
GET    /api/v3/hf/margin/orders/active                                General          Spot          4
GET    /api/v3/hf/margin/orders/done                                  General          Spot         10
GET    /api/v3/hf/margin/fills                                        General          Spot          5

# Margin orders, abandoned
POST   /api/v1/margin/order                                           Margin           Spot          5 within
POST   /api/v1/margin/order/test                                      Margin           Spot          5

# Borrowing
POST   /api/v3/margin/borrow                                          Margin           Spot         15 within
GET    /api/v3/margin/borrow                                          Margin           Spot         15
POST   /api/v3/margin/repay                                           Margin           Spot         10 within
GET    /api/v3/margin/repay                                           Margin           Spot         15
GET    /api/v3/margin/interest                                        Margin           Spot         20
POST   /api/v3/position/update-user-leverage                          Margin           Spot          8 null

# Simple Earn
POST   /api/v1/earn/orders                                            Earn             Earn          5 within
DELETE /api/v1/earn/orders                                            Earn             Earn          5 within
GET    /api/v1/earn/redeem-preview                                    Earn             Earn          5
GET    /api/v1/earn/saving/products                                   General          Earn          5
# the next: no weight in the descriptions; ccxt
GET    /api/v1/earn/promotion/products                                General          Earn          5
GET    /api/v1/earn/staking/products                                  General          Earn          5
GET    /api/v1/earn/kcs-staking/products                              General          Earn          5
GET    /api/v1/earn/eth-staking/products                              General          Earn          5
GET    /api/v1/earn/hold-assets                                       General          Earn          5

# Lending (official client)
GET    /api/v3/project/list                                           General          Spot         10
GET    /api/v3/project/marketInterestRate                             -                Public        5
POST   /api/v3/purchase                                               Margin           Spot         15 within
POST   /api/v3/lend/purchase/update                                   Margin           Spot         10 within
GET    /api/v3/purchase/orders                                        General          Spot         10
POST   /api/v3/redeem                                                 Margin           Spot         15 within
GET    /api/v3/redeem/orders                                          General          Spot         10

# Margin reference data (official client)
GET    /api/v3/margin/symbols                                         -                Public        3
GET    /api/v3/etf/info                                               -                Public        3
GET    /api/v1/mark-price/{symbol}/current                            -                Public        2
GET    /api/v1/margin/config                                          -                Spot         25
GET    /api/v3/mark-price/all-symbols                                 -                Public       10
GET    /api/v1/isolated/symbols                                       -                Public        3
GET    /api/v3/margin/currencies                                      General          Spot         20

# VIP loans (official client)
# the next: private, but no permission is named
GET    /api/v1/otc-loan/discount-rate-configs                         General          Public       10
GET    /api/v1/otc-loan/loan                                          Spot             Management    5
GET    /api/v1/otc-loan/accounts                                      Spot             Management   20

# Affiliates and API brokers (official client)
GET    /api/v2/affiliate/inviter/statistics                           General          Management   30
GET    /api/v1/broker/api/rebase/download                             General          Management    3

# Convert (paths: tiagosiebler/kucoin-api; weights: ccxt; pools and permissions are in no source)
GET    /api/v1/convert/symbol                                         -                ?             5
GET    /api/v1/convert/currencies                                     -                ?             5
GET    /api/v1/convert/quote                                          General          ?            20
POST   /api/v1/convert/order                                          General          ?            20 within
GET    /api/v1/convert/order/detail                                   General          ?             5
GET    /api/v1/convert/order/history                                  General          ?             5
GET    /api/v1/convert/limit/quote                                    General          ?            20
POST   /api/v1/convert/limit/order                                    General          ?            20 within
GET    /api/v1/convert/limit/order/detail                             General          ?             5
GET    /api/v1/convert/limit/orders                                   General          ?             5
DELETE /api/v1/convert/limit/order/cancel                             General          ?             5

# Structured Earn (likewise)
GET    /api/v1/struct-earn/dual/products                              -                ?             6
GET    /api/v1/struct-earn/orders                                     General          ?            10
POST   /api/v1/struct-earn/orders                                     General          ?            10 within

# Unified account (Kucoin.Net; permissions as those of the classic twins, which no source confirms)
GET    /api/ua/v1/account/balance                                     General          Management    5
GET    /api/ua/v1/unified/account/balance                             General          Management    5
GET    /api/ua/v1/unified/account/overview                            General          Management    5
GET    /api/ua/v1/sub-account/balance                                 General          Management    5
GET    /api/ua/v1/account/ledger                                      General          Management    2
GET    /api/ua/v1/account/interest-history                            General          Management   15
GET    /api/ua/v1/account/mode                                        General          Management   30
POST   /api/ua/v1/account/mode                                        General          Management   30
GET    /api/ua/v1/user/api-key                                        General          Management   20
GET    /api/ua/v1/user/fee-rate                                       General          Management    3
GET    /api/ua/v1/user/kyc-region                                     General          Public       20
GET    /api/ua/v1/asset/deposit/address                               General          Management    5
GET    /api/ua/v1/withdrawals/quotas                                  General          Management   20
POST   /api/ua/v1/withdrawal                                          Transfer         Management    5 out
# the next: tiagosiebler/kucoin-api
DELETE /api/ua/v1/withdrawal                                          Transfer         ?             ? null
GET    /api/ua/v1/account/transfer-quota                              General          Management   20
POST   /api/ua/v1/account/transfer                                    InnerTransfer    Management    4 between
# the next: allows or forbids transfers; makes none
POST   /api/ua/v1/sub-account/canTransferOut                          General          Management    5
GET    /api/ua/v1/unified/account/leverage                            General          Management   10
POST   /api/ua/v1/unified/account/modify-leverage                     General          Management   20
POST   /api/ua/v1/{accountMode}/account/modify-leverage-margin-cross  General          Unified      20
GET    /api/ua/v1/position/funding-history                            General          Management   15
GET    /api/ua/v1/position/history                                    General          Unified       2
GET    /api/ua/v1/{accountMode}/position/open-list                    General          Unified       3
GET    /api/ua/v1/{accountMode}/position/tiers                        General          Management   20
POST   /api/ua/v1/unified/position/margin-mode                        General          Unified      10
POST   /api/ua/v1/unified/position/modify-margin                      General          Unified       5 within
GET    /api/ua/v1/{accountMode}/order/detail                          General          Unified       4
GET    /api/ua/v1/{accountMode}/order/open-list                       General          Unified       4
GET    /api/ua/v1/{accountMode}/order/history                         General          Unified       4
GET    /api/ua/v1/{accountMode}/order/execution                       General          Unified       4
POST   /api/ua/v1/{accountMode}/order/place                           General          Unified       1 within
POST   /api/ua/v1/{accountMode}/order/cancel                          General          Unified       1
POST   /api/ua/v1/{accountMode}/order/cancel-batch                    General          Unified       4
POST   /api/ua/v1/{accountMode}/order/cancel-all                      General          Unified      20
GET    /api/ua/v1/dcp/query                                           General          Unified       2
POST   /api/ua/v1/dcp/set                                             General          Unified       2

# Unified account, version 2: what touches money (official client; pools and weights are in no source)
POST   /api/ua/v2/asset/withdrawal                                    Transfer         ?             ? out
POST   /api/ua/v2/asset/withdraw/cancel                               Transfer         ?             ? null
POST   /api/ua/v2/account/transfer                                    InnerTransfer    ?             ? between
POST   /api/ua/v2/sub-account/canTransferOut                          General          ?             ?
GET    /api/ua/v2/account/ledger                                      General          ?             ?
"""

#: The endpoints of the futures host.
FUTURES_HOST = """
# Account
GET    /api/v1/account-overview                                       Futures          Futures       5
GET    /api/v1/transaction-history                                    General          Futures       2

# Sub-accounts
GET    /api/v1/account-overview-all                                   General          Futures       6

# Transfers, abandoned
GET    /api/v1/transfer-list                                          General          Management   20
POST   /api/v3/transfer-out                                           Futures          Management   20 between
POST   /api/v1/transfer-in                                            Futures          Management   20 between null

# Fees
GET    /api/v1/trade-fees                                             General          Futures       3

# Futures orders
POST   /api/v1/orders                                                 Futures          Futures       2 within
GET    /api/v1/orders                                                 General          Futures       2
POST   /api/v1/orders/test                                            Futures          Futures       2
POST   /api/v1/orders/multi                                           Futures          Futures      20 within
POST   /api/v1/st-orders                                              Futures          Futures       2 within
DELETE /api/v1/orders/{orderId}                                       Futures          Futures       1
DELETE /api/v1/orders/client-order/{clientOid}                        Futures          Futures       1
DELETE /api/v1/orders/multi-cancel                                    Futures          Futures      20
DELETE /api/v3/orders                                                 Futures          Futures      10
DELETE /api/v1/stopOrders                                             Futures          Futures      15
GET    /api/v1/stopOrders                                             General          Futures       6
GET    /api/v1/orders/{order-id}                                      General          Futures       5
GET    /api/v1/orders/byClientOid                                     General          Futures       5
GET    /api/v1/recentDoneOrders                                       General          Futures       5
GET    /api/v1/openOrderStatistics                                    General          Futures      10
# the next: no weight in the descriptions; Kucoin.Net
GET    /api/v1/recentFills                                            Futures          Futures       3
GET    /api/v1/fills                                                  General          Futures       5

# Futures orders, abandoned
DELETE /api/v1/orders                                                 Futures          Futures     800

# Positions
GET    /api/v2/position/getMarginMode                                 Futures          Futures       2
POST   /api/v2/position/changeMarginMode                              Futures          Futures       2
POST   /api/v2/position/batchChangeMarginMode                         Futures          Futures       2
GET    /api/v2/getMaxOpenSize                                         Futures          Futures       2
GET    /api/v1/position                                               Futures          Futures       2
GET    /api/v1/positions                                              Futures          Futures       2
GET    /api/v1/history-positions                                      Futures          Futures       2
GET    /api/v1/margin/maxWithdrawMargin                               Futures          Futures      10
GET    /api/v2/getCrossUserLeverage                                   Futures          Futures       2
POST   /api/v2/changeCrossUserLeverage                                Futures          Futures       2
POST   /api/v1/position/margin/deposit-margin                         Futures          Futures       4 within
POST   /api/v1/margin/withdrawMargin                                  Futures          Futures      10 within
GET    /api/v2/batchGetCrossOrderLimit                                Futures          Futures       2
# the next: private, but no permission is named
GET    /api/v1/contracts/risk-limit/{symbol}                          General          Public        5
POST   /api/v1/position/risk-limit-level/change                       Futures          Futures       5

# Positions, abandoned
POST   /api/v1/position/margin/auto-deposit-status                    Futures          Futures       4

# Funding
GET    /api/v1/funding-rate/{symbol}/current                          -                Public        2
GET    /api/v1/contract/funding-rates                                 -                Public        5
GET    /api/v1/funding-history                                        Futures          Futures       5

# Copy trading (official client)
POST   /api/v1/copy-trade/futures/orders                              LeadtradeFutures CopyTrading   2 within
POST   /api/v1/copy-trade/futures/orders/test                         LeadtradeFutures CopyTrading   2
POST   /api/v1/copy-trade/futures/st-orders                           LeadtradeFutures CopyTrading   2 within
DELETE /api/v1/copy-trade/futures/orders                              LeadtradeFutures CopyTrading   1
DELETE /api/v1/copy-trade/futures/orders/client-order                 LeadtradeFutures CopyTrading   1
GET    /api/v1/copy-trade/futures/get-max-open-size                   LeadtradeFutures CopyTrading   4
GET    /api/v1/copy-trade/futures/position/margin/max-withdraw-margin LeadtradeFutures CopyTrading  10
POST   /api/v1/copy-trade/futures/position/margin/deposit-margin      LeadtradeFutures CopyTrading   4 within
POST   /api/v1/copy-trade/futures/position/margin/withdraw-margin     LeadtradeFutures CopyTrading  10 within
POST   /api/v1/copy-trade/futures/position/risk-limit-level/change    LeadtradeFutures CopyTrading   2
POST   /api/v1/copy-trade/futures/position/margin/auto-deposit-status LeadtradeFutures CopyTrading   4

# Market data (official client)
GET    /api/v1/contracts/{symbol}                                     -                Public        3
GET    /api/v1/contracts/active                                       -                Public        3
GET    /api/v1/ticker                                                 -                Public        2
GET    /api/v1/allTickers                                             -                Public        5
GET    /api/v1/level2/snapshot                                        -                Public        3
# the next: of 100 levels (ccxt, Kucoin.Net); of 20 levels it is 5
GET    /api/v1/level2/depth{size}                                     -                Public       10
GET    /api/v1/trade/history                                          -                Public        5
GET    /api/v1/kline/query                                            -                Public        3
GET    /api/v1/mark-price/{symbol}/current                            -                Public        3
GET    /api/v1/index/query                                            -                Public        2
GET    /api/v1/interest/query                                         -                Public        5
GET    /api/v1/premium/query                                          -                Public        3
GET    /api/v1/trade-statistics                                       -                Futures       3
# the next: 2 in the official client, 3 on the other host
GET    /api/v1/timestamp                                              -                Public        3
GET    /api/v1/status                                                 -                Public        4
POST   /api/v1/bullet-public                                          -                Public       10
POST   /api/v1/bullet-private                                         General          Futures      10
"""
