"""What vendors send, in their own shapes and with their own signatures, at `/webhooks/NAME`.

`FIREBRAND_WEBHOOKS` names a TOML file with a table per source. A file, because secrets are mounted as files
and several sources do not fit one variable. NAME is yours, so that two sources may be of one kind:

    [source.hubspot]
    kind = "hubspot"
    secrets = ["the app's client secret"]
    public_url = "https://signals.acme.com/webhooks/hubspot"

Every source has one or two secrets, of 16 characters or more: two while you change from one to the next. A
source that is not in the file does not exist (404), so nothing unsigned is ever taken in. Signatures are
checked over the raw bytes, in constant time.

| kind | a caller proves itself by | besides the secrets | set up there |
|---|---|---|---|
| hubspot | X-HubSpot-Signature-v3, 5 minutes | public_url | the app's target URL, exactly as public_url |
| segment | X-Signature, and a header for batches | header, header_secrets, mapping, fixed | secret, header |
| rudderstack | a header's value | header, mapping, fixed | the header |
| demandbase | a header's value, or ?token= | header, token_in_url, reading | the URL |
| bombora | X-Bombora-Signature-256 | reading | the secret |
| 6sense | a header's value | header | your own job posts the API's rows |
| g2 | a header's value, or ?token= | header, token_in_url, reading | URL or header |
| generic | a header's value, or ?token= | header, token_in_url, reading | header |
| standard | webhook-signature, 5 minutes | reading | URL; secrets are `whsec_...` |

A token stands in the header Authorization, alone or after `Bearer`, where `header` names no other.

Reading is `mapping`, `fixed` and `rows`. `mapping` says where in an event each field of a signal stands, by
dotted paths of which the first that is there counts; `fixed` gives the value where none is; `rows` is where
the list of events stands. `types` gives an event's name its signal type, and "" leaves such events out:
`types = {"Trial Started" = "product_trial"}`.

What a caller gets: 401 for a wrong signature or a stale timestamp, 503 where the store does not answer, and
then each vendor's module says which status it sees for what can never be stored.
"""
