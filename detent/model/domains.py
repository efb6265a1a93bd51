"""Everyday texts with named slots: who, when, how much. The keys of a slot are the names a schema may call it."""

from __future__ import annotations

from typing import NamedTuple


class Slot(NamedTuple):
    """A hole in a text: the kind of its value (see `values.KINDS`) and its possible keys."""

    kind: str
    keys: tuple[str, ...]


class Domain(NamedTuple):
    """Texts over one set of slots; a text need not use every slot."""

    slots: dict[str, Slot]
    texts: tuple[str, ...]


def _domain(slots: str, *texts: str) -> Domain:
    """Read slots written one per line as ``name kind key key ...``."""
    rows = [line.split() for line in slots.strip().splitlines()]
    return Domain({name: Slot(kind, tuple(keys)) for name, kind, *keys in rows}, texts)


DOMAINS = {
    "person": _domain(
        """
        name name name full_name person fullName
        age age age years age_years
        city place city town home place
        job job job profession occupation role
        mail email email mail e_mail contact
        """,
        "{name} is {age} years old and lives in {city}.",
        "{name} is a {job} from {city}.",
        "Meet {name} ({age}), {job} in {city}. Write to {mail}.",
        "{name}, {age}, works as a {job}.",
        "My name is {name}, I am {age} and I live in {city}. You can reach me at {mail}.",
        "{name} works as a {job} in {city} and turned {age} last week.",
    ),
    "order": _domain(
        """
        buyer name customer buyer client name
        quantity count quantity count amount qty number
        item word item product article thing
        price price price unit_price cost unitPrice
        city place city destination ship_to town
        day date date delivery_date due deliveryDate
        """,
        "{buyer} ordered {quantity} {item} at {price} each, to be sent to {city}.",
        "Please send {quantity} {item} to {buyer} in {city} by {day}.",
        "Hello, I would like to buy {quantity} {item}. {buyer}, {city}",
        "Order for {buyer}: {quantity} x {item} ({price} each). Delivery on {day}.",
        "{quantity} {item} for {buyer}, price {price}.",
    ),
    "event": _domain(
        """
        title phrase title event name subject
        day date date day when event_date
        hour time time start hour start_time startTime
        place place place city location where
        host name host organiser organizer speaker
        guests names guests attendees people participants
        """,
        "{title} takes place in {place} on {day} at {hour}.",
        "{host} invites you to {title} on {day} at {hour} in {place}.",
        "You are invited! What: {title}. Where: {place}. When: {day}, {hour}.",
        "On {day} {host} will speak about {title} in {place}.",
        "Meeting about {title} at {hour} on {day} with {guests}.",
        "{host} will meet {guests} in {place} at {hour}.",
    ),
    "invoice": _domain(
        """
        code code invoice_number number invoice id invoiceId
        seller company seller vendor company supplier from
        buyer name buyer customer client billed_to
        total price total amount total_amount sum
        day date due_date due date dueDate
        paid boolean paid is_paid settled
        """,
        "Invoice {code} from {seller} to {buyer}: {total}, due on {day}.",
        "{seller} billed {buyer} {total} (invoice {code}).",
        "Invoice no. {code}. Total: {total}. Due: {day}. Paid: {paid}.",
        "{buyer} owes {seller} {total} by {day}.",
        "Please pay {total} to {seller} before {day}. Reference: {code}.",
    ),
    "booking": _domain(
        """
        guest name guest name booked_by guest_name
        nights count nights number_of_nights stay
        people count guests people persons party_size
        room enum room room_type type
        arrival date check_in arrival from arrival_date checkIn
        hotel company hotel place hotel_name
        breakfast boolean breakfast with_breakfast
        """,
        "{guest} booked a {room} room for {nights} nights from {arrival}.",
        "Booking at {hotel}: {guest}, {people} people, {nights} nights, breakfast: {breakfast}.",
        "We arrive on {arrival} and stay {nights} nights. {people} guests, a {room} room. {guest}",
        "{hotel} confirms a {room} room for {guest} on {arrival}.",
    ),
    "bug": _domain(
        """
        title phrase title summary subject
        module word component module part area
        severity enum severity priority level
        version integer version build release
        reporter name reporter reported_by author
        labels words labels tags keywords
        """,
        "Bug: {title}. Component: {module}. Severity: {severity}.",
        "{reporter} reports that {module} crashes in build {version}: {title}. This is {severity}.",
        "[{severity}] {module}: {title} (version {version}). Labels: {labels}.",
        "{title}, seen by {reporter} in {module}. Priority {severity}.",
    ),
    "sensor": _domain(
        """
        sensor code sensor sensor_id id device
        room word room location place
        reading number temperature value reading temp
        hour time time at measured_at
        battery age battery battery_level charge
        alarm boolean alarm alert
        """,
        "Sensor {sensor} in the {room} measured {reading} degrees at {hour}.",
        "{hour} {sensor} temperature {reading} battery {battery}%",
        "At {hour} the {room} was at {reading} C. Battery {battery}%, alarm {alarm}.",
        "{sensor}: {reading} degrees, alarm: {alarm}",
    ),
    "recipe": _domain(
        """
        dish phrase dish name title recipe
        serves count serves servings people portions
        minutes age minutes time duration cooking_time
        parts words ingredients parts contents
        diet enum diet kind type
        """,
        "{dish}: serves {serves}, ready in {minutes} minutes. Ingredients: {parts}.",
        "To make {dish} for {serves} people you need {parts}. It takes {minutes} minutes.",
        "{dish} is {diet} and takes {minutes} minutes.",
    ),
    "parcel": _domain(
        """
        code code tracking tracking_number parcel id trackingId
        weight number weight mass weight_kg
        sender name sender from shipper
        receiver name receiver to recipient addressee
        city place destination city
        state enum status state
        """,
        "Parcel {code} from {sender} to {receiver} in {city} weighs {weight} kg.",
        "{sender} sent a parcel of {weight} kg to {receiver}, tracking {code}. It is {state}.",
        "The parcel {code} is {state}. Receiver: {receiver}, {city}.",
    ),
    "course": _domain(
        """
        subject word subject course topic
        teacher name teacher taught_by lecturer instructor
        room code room room_number hall
        hour time time start begins_at
        seats integer seats places capacity
        """,
        "{teacher} teaches {subject} in room {room} at {hour}.",
        "The course on {subject} by {teacher} has {seats} seats and starts at {hour}.",
        "{subject} with {teacher}, room {room}, {seats} places.",
    ),
    "job": _domain(
        """
        role job position job role job_title
        company company company employer firm
        city place city location office
        pay integer salary pay wage
        skills words skills requirements tags
        remote boolean remote is_remote
        """,
        "{company} is looking for a {role} in {city}. Salary: {pay}.",
        "Join {company} as a {role}! You know {skills}. Remote: {remote}.",
        "{role} wanted at {company}, {city}, {pay} a year.",
    ),
    "review": _domain(
        """
        product word product item subject
        stars count rating stars score
        author name author reviewer user written_by
        mood enum sentiment mood verdict
        again boolean recommended buy_again
        """,
        "{author} gave the {product} {stars} stars.",
        "{stars} stars for the {product}. {author} found it {mood}. Recommended: {again}.",
        "The {product} is {mood}, says {author}.",
    ),
    "car": _domain(
        """
        make company make brand manufacturer maker
        model word model name
        year age year age
        colour enum colour color paint
        distance integer mileage distance km kilometres
        plate code plate licence_plate registration
        """,
        "For sale: {make} {model}, {colour}, {distance} km.",
        "The {colour} {make} {model} with plate {plate} has {distance} km.",
        "{plate} is a {colour} {model} by {make}.",
    ),
    "payment": _domain(
        """
        payer name payer from sender
        payee name payee to receiver
        amount price amount sum value
        day date date paid_on day
        account code account account_number reference
        """,
        "{payer} paid {amount} to {payee} on {day}.",
        "Transfer of {amount} from {payer} to {payee}, account {account}.",
        "On {day} {payee} received {amount} from {payer}.",
    ),
}

UNSEEN_DOMAIN = _domain(
    """
    pet word pet animal creature
    owner name owner pet_owner keeper
    vet name vet treated_by
    weight number weight
    visit date visit visit_date
    """,
    "{owner} brought the {pet} to {vet} on {visit}. Its weight is {weight}.",
    "The {pet} of {owner} was seen on {visit}. Vet: {vet}.",
    "Pet: {pet}. Owner: {owner}. Weight: {weight}. Visit: {visit}.",
)
"""A domain kept out of training, for the evaluation."""
