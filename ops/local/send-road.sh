# SEND's whole road by curl. Needs KEYS (a directory), PDF (a file), INTAKE, STREAMS, INGRESS (URLs).
set -euo pipefail
body="x-api-key: $(cat "$KEYS/send-provincia.key")"
delivery="x-api-key: $(cat "$KEYS/send-delivery.key")"
json='content-type: application/json'
# member NAME… prints a member of the JSON on standard input; a number is a place in an array.
member() {
  python3 -c 'import functools, json, sys
step = lambda value, name: value[int(name) if name.lstrip("-").isdigit() else name]
print(functools.reduce(step, sys.argv[1:], json.load(sys.stdin)))' "$@"
}

now() { python3 -c 'import datetime; print(datetime.datetime.now(datetime.UTC).isoformat())'; }

# 1. A stream comes first: it gets what happens from now on.
stream=$(curl -s "$STREAMS/delivery-progresses/v2.8/streams" -H "$body" -H "$json" \
  -d '{"title": "mine", "eventType": "STATUS", "groups": [], "filterValues": []}' \
  | member streamId)

# 2. An upload slot for exactly these bytes, and the upload.
digest=$(openssl dgst -sha256 -binary "$PDF" | openssl base64 -A)
slot=$(curl -s "$INTAKE/delivery/attachments/preload" -H "$body" -H "$json" \
  -d '[{"preloadIdx": "0", "contentType": "application/pdf", "sha256": "'"$digest"'"}]')
version=$(curl -s -o /dev/null -D - -T "$PDF" "$(member 0 url <<<"$slot")" \
  -H 'content-type: application/pdf' -H "x-amz-checksum-sha256: $digest" \
  -H "x-amz-meta-secret: $(member 0 secret <<<"$slot")" \
  | tr -d '\r' | awk 'tolower($1) == "x-amz-version-id:" { print $2 }')

# 3. The request: taken at once, then accepted under an IUN, or refused.
request=$(curl -s "$INTAKE/delivery/v2.6/requests" -H "$body" -H "$json" -d '{
  "paProtocolNumber": "by-hand-'"$(date +%s)-$$"'",
  "subject": "A notice",
  "senderDenomination": "Provincia di prova",
  "senderTaxId": "01234567897",
  "taxonomyCode": "010101P",
  "physicalCommunicationType": "AR_REGISTERED_LETTER",
  "notificationFeePolicy": "FLAT_RATE",
  "recipients": [{
    "recipientType": "PF",
    "taxId": "VRDLNZ80A41F205H",
    "denomination": "Lorenza Verdi",
    "physicalAddress": {
      "address": "VIA ROMA 1", "zip": "00184", "municipality": "ROMA", "province": "RM"
    }
  }],
  "documents": [{
    "contentType": "application/pdf",
    "digests": {"sha256": "'"$digest"'"},
    "ref": {"key": "'"$(member 0 key <<<"$slot")"'", "versionToken": "'"$version"'"}
  }]
}')
echo "request    $request"
id=$(member notificationRequestId <<<"$request")
status() {
  curl -sG "$INTAKE/delivery/v2.6/requests" -H "$body" --data-urlencode "notificationRequestId=$id"
}
echo "status     $(status | member notificationRequestStatus)"
while [ "$(status | member notificationRequestStatus)" = WAITING ]; do sleep 0.5; done
echo "status     $(status | member notificationRequestStatus)"
iun=$(status | member iun)
echo "iun        $iun"

# 4. The delivery system tells what happens; each element is a callback like any other.
for category in SEND_DIGITAL_DOMICILE DIGITAL_DELIVERY_CREATION_REQUEST NOTIFICATION_VIEWED; do
  curl -s -o /dev/null -w "element    $category: %{http_code}\n" "$INGRESS/callbacks/send" \
    -H "$delivery" -H "$json" -d '{
    "notificationRequestId": "'"$id"'",
    "iun": "'"$iun"'",
    "element": {
      "elementId": "'"$category.IUN_$iun"'",
      "category": "'"$category"'",
      "timestamp": "'"$(now)"'",
      "details": {"recIndex": 0}
    }
  }'
done

# 5. Pages of the stream. lastEventId says what we have: it is acknowledged and given no more.
last=""
viewed=""
while [ -z "$viewed" ]; do
  page=$(curl -s "$STREAMS/delivery-progresses/v2.8/streams/$stream/events$last" -H "$body")
  if [ "$page" = "[]" ]; then sleep 1; continue; fi
  echo "page       $page"
  last="?lastEventId=$(member -1 eventId <<<"$page")"
  viewed=$(grep -o VIEWED <<<"$page" | head -n 1 || true)
done
echo "unread     $(curl -s "$STREAMS/delivery-progresses/v2.8/streams/$stream/events$last" -H "$body")"

# 6. The notification as it stands, and its document.
echo "notified   $(curl -s "$INTAKE/delivery/v2.9/notifications/sent/$iun" -H "$body" \
  | member notificationStatus)"
link=$(curl -s "$INTAKE/delivery/notifications/sent/$iun/attachments/documents/0" -H "$body")
echo "document   $(curl -s "$(member url <<<"$link")" \
  | openssl dgst -sha256 -binary | openssl base64 -A), uploaded $digest"
curl -s -X DELETE "$STREAMS/delivery-progresses/v2.8/streams/$stream" -H "$body"
