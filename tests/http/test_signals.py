# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Reading and writing signals: alone, in lists, by hierarchy, all or nothing; and that a refusal moves nothing."""
import itertools

from client import Client, ask, request
from daemon import AT_REST, Daemon
from tap import check, equal, test


@test
def a_name_reads_its_signal():
    with Daemon() as daemon, Client(daemon) as client:
        for name, value in AT_REST.items():
            equal(client.ask(target="/?" + name).json(), {name: value}, name)


@test
def a_list_reads_several_in_the_order_in_which_they_were_named():
    with Daemon() as daemon, Client(daemon) as client:
        for names in itertools.permutations(("LED", "BUTTON", "MOTOR.LEFT")):
            equal(list(client.ask(target="/?" + ",".join(names)).json().items()), [(n, AT_REST[n]) for n in names], "the order")
        equal(client.ask(target="/?LED,LED").json(), {"LED": 0}, "each once")
        client.ask(target="/?LED,Nope,BUTTON").must_be_error(404)


@test
def a_name_stands_for_all_below_it():
    with Daemon() as daemon, Client(daemon) as client:
        motor = {"MOTOR.LEFT": 0, "MOTOR.RIGHT": 0, "MOTOR.FAN.A": 0}
        equal(client.ask(target="/?MOTOR").json(), motor, "MOTOR")
        equal(client.ask(target="/?MOTOR.FAN").json(), {"MOTOR.FAN.A": 0}, "MOTOR.FAN")
        equal(client.ask(target="/?MOTOR.RIGHT,LED,MOTOR").json(),
              {"MOTOR.RIGHT": 0, "LED": 0, "MOTOR.LEFT": 0, "MOTOR.FAN.A": 0}, "each once")
        for name in ("MOTO", "MOTOR.", "MOTOR.L", "MOTOR.LEFT.X", "MOTOR..LEFT", "M", "MOTORS", "MOTOR_LEFT", "motor"):
            check(client.ask(target="/?" + name).status in (400, 404), f"{name} is nothing")


@test
def a_group_is_not_written_by_one_value():
    with Daemon() as daemon, Client(daemon) as client:
        for target in ("/?MOTOR", "/?LED,LEFT", "/?LED,LED", "/?LED,"):
            reply = client.ask("POST", target, body="1")
            check(400 <= reply.status < 500, f"POST {target}", got=reply)
            reply.must_be_error(reply.status)
        daemon.must_be_at_rest()


@test
def posting_a_value_writes_it_and_answers_the_new_state():
    with Daemon() as daemon:
        for version in ("1.0", "1.1"):
            for split in (False, True):
                for method in ("POST", "PUT"):
                    with Client(daemon) as client:
                        for body, value in (("1", 1), ("1", 1), ("0", 0), ("toggle", 1), ("toggle", 0), ("1\n", 1), ("0\r\n", 0)):
                            data = request(method, "/?LAMP", ["Connection: keep-alive"], body, version)
                            (client.send_bytewise if split else client.send)(data)
                            equal(client.reply().must_be_dynamic().json(), {"LAMP": value}, f"{method} {body!r}")
                            equal(ask(daemon, target="/?LAMP").json(), {"LAMP": value}, "it is so for others too")


@test
def a_value_that_is_none_is_400_and_moves_nothing():
    with Daemon() as daemon, Client(daemon) as client:
        for body in ("", " ", "2", "-1", "01", "00", "1 ", " 1", "+1", "0x1", "on", "off", "true", "Toggle", "TOGGLE", "toggle ", "toggle1",
                     "1\n\n", "\n1", "1\r", "1\0", "\0", "1&", "LED=1", "=1", "1=1", "\x31\xcc\xb2", '"1"', "1;0", "١", "pulse", "pulse:",
                     "1" * 4096, "pulse:0ms", "pulse:-1ms", "pulse:1", "pulse:99999999999999999999ms"):
            reply = client.ask("POST", "/?LED", body=body.encode())
            check(reply.status == 400 or (body == "1\r" and reply.status == 200), f"{body[:30]!r}", got=reply)
            if reply.status != 200:
                reply.must_be_error(400)
            else:
                client.ask("POST", "/?LED", body="0")
        daemon.must_be_at_rest()


@test
def a_form_writes_several_at_once():
    with Daemon() as daemon, Client(daemon) as client:
        for method in ("POST", "PUT"):
            equal(client.ask(method, "/?", ["Content-Type: application/x-www-form-urlencoded"], "LEFT=1&RIGHT=1").json(),
                  {"LEFT": 1, "RIGHT": 1}, "both")
            equal(client.ask(method, "/?", body="RIGHT=toggle&LEFT=0&LAMP=1").json(), {"RIGHT": 0, "LEFT": 0, "LAMP": 1}, "in order")
            equal(client.ask(method, "/?", body="%4CEFT=%31&MOTOR%2eLEFT=1").json(), {"LEFT": 1, "MOTOR.LEFT": 1}, "decoded")
            equal(client.ask(method, "/?", body="LEFT=0&LAMP=0&MOTOR.LEFT=0").json(), {"LEFT": 0, "LAMP": 0, "MOTOR.LEFT": 0}, "back")
        daemon.must_be_at_rest()


@test
def a_form_is_all_or_nothing_whatever_is_wrong_with_its_last_pair():
    good = "LED=1&LEFT=toggle&MOTOR.LEFT=1&LAMP=1&"
    last = ["Nope=1", "BUTTON=1", "BUTTON=0", "LED=1", "LED=0", "LAMP=1", "RIGHT=2", "RIGHT=", "RIGHT", "=1", "", "&", "RIGHT=1&",
            "RIGHT=%",
            "RIGHT=%3", "RIGHT=%zz", "%=1", "RIGHT=1=1", "RIGHT =1", "RIGHT= 1", "RIGHT=+1", "RIGHT=1%00", "RIGHT%00=1", "right=1",
            "MOTOR=1", "MOTOR.=1", "RIGHT=1;x", "RIGHT=1\n", "RIGHT=1\0", "RI=1", "RIGHTS=1", "stop=1", "ping", "RIGHT,LED=1",
            "RIGHT=\xb1", "\xd2IGHT=1", "R%49GHT=1&RIGHT=0", "RIGHT=toggl", "A" * 3000 + "=1", "RIGHT=" + "1" * 3000]
    with Daemon() as daemon, Client(daemon) as client:
        for pair in last:
            for body in (good + pair, pair + "&" + good[:-1]):
                reply = client.ask("POST", "/?", body=body.encode("latin-1"))
                check(400 <= reply.status < 500, f"{body[:80]!r}", got=reply)
                reply.must_be_error(reply.status)
                values = client.ask(target="/?" + ",".join(AT_REST)).json()
                equal(values, AT_REST, f"{body[:80]!r} has moved nothing")
        client.ask("POST", "/?", body="").must_be_error(400)


@test
def a_form_with_every_output_and_one_more_is_refused():
    with Daemon(LINES=" ".join(f"L{i}=GPIO{i}" for i in range(54))) as daemon, Client(daemon) as client:
        pairs = [f"L{i}=1" for i in range(54)]
        for extra in ("L0=1", "L53=0", "L54=1"):
            client.ask("POST", "/?", body="&".join(pairs + [extra])).must_be_error((400, 404))
        client.ask("POST", "/?", body="&".join(pairs + ["L1=1"] * 300)).must_be_error(400)
        equal(set(client.ask(target="/?" + ",".join(f"L{i}" for i in range(54))).json().values()), {0}, "nothing moved")
        equal(set(client.ask("POST", "/?", body="&".join(pairs)).json().values()), {1}, "all at once")


@test
def an_input_is_405_alone_and_refused_in_a_form():
    with Daemon() as daemon, Client(daemon) as client:
        for method in ("POST", "PUT"):
            reply = client.ask(method, "/?BUTTON", body="0").must_be_error(405)
            check("POST" not in reply.get("Allow") and "GET" in reply.get("Allow"), "Allow", got=reply)
            client.ask(method, "/?", body="LED=1&BUTTON=0").must_be_error((400, 405))
        daemon.must_be_at_rest()


@test
def an_active_low_output_and_a_pulled_up_input_read_logically():
    with Daemon(LINES="LOW=GPIO1,active-low,initial=1 IN=GPIO2,input,bias=pull-up,active-low UP=GPIO3,input,bias=pull-up") as daemon:
        equal(ask(daemon, target="/?LOW,IN,UP").json(), {"LOW": 1, "IN": 0, "UP": 1}, "values")


@test
def slash_1_and_slash_0_switch_the_first_plain_output():
    with Daemon(LINES="BUTTON=GPIO6,input FIRST=GPIO17 SECOND=GPIO18") as daemon, Client(daemon) as client:
        for method in ("GET", "POST", "PUT"):
            for value in (1, 1, 0, 0, 1, 0):
                reply = client.ask(method, f"/{value}").must_be_dynamic()
                equal((reply.status, reply.body), (200, b"%d" % value), f"{method} /{value}")
                equal(client.ask(target="/?FIRST,SECOND").json(), {"FIRST": value, "SECOND": 0}, "the first alone")


@test
def stop_gives_every_output_its_safe_value():
    with Daemon() as daemon, Client(daemon) as client:
        for method, body in (("POST", None), ("PUT", ""), ("POST", "anything"), ("POST", "LED=1")):
            client.ask("POST", "/?", body="LED=1&MOTOR.LEFT=1&LAMP=1&HELD=0&KEPT=1")
            after = client.ask(method, "/?stop", body=body).must_be_dynamic().json()
            expected = {n: v for n, v in AT_REST.items() if n != "BUTTON"} | {"KEPT": 1}
            equal(after, expected, "safe=0, safe=1 and safe=keep")
            equal(daemon.values(), AT_REST | {"KEPT": 1}, "and they are")


@test
def outputs_start_at_their_initial_value():
    with Daemon(LINES="A=GPIO1,initial=1 B=GPIO2 C=GPIO3,initial=0 D=GPIO4,initial=keep E=GPIO5,initial=1,active-low") as daemon:
        equal(ask(daemon, target="/?A,B,C,D,E").json(), {"A": 1, "B": 0, "C": 0, "D": 0, "E": 1}, "values")


@test
def a_refused_write_moves_nothing_whatever_it_is_refused_for():
    """Over all reasons at once: each request would move LED if it were heeded."""
    chunk = "1\r\n1\r\n0\r\n\r\n"
    wrong = [
        request("POST", "/?LED", ["Origin: http://evil.example"], "1"), request("POST", "/?LED", ["Origin: null"], "1"),
        request("POST", "/?LED", body="1", host="evil.example"), request("POST", "/?LED", body="1", host=None),
        request("POST", "/?LED", ["Sec-Fetch-Site: cross-site"], "1"), request("POST", "/?LED", ["Purpose: prefetch"], "1"),
        request("POST", "/?LED", ["Content-Length: 1"], "1"), request("POST", "/?LED", ["Expect: x"], "1"),
        request("POST", "/?LED", ["Transfer-Encoding: chunked"], "1"), request("POST", "/?LED", ["Transfer-Encoding: chunked"],
            None, "1.0") + chunk.encode(),
        request("POST", "/?LED", ["Bad Field: x"], "1"), request("POST", "/?LED", ["X: y"] * 64, "1"), request("POST", "/?LED ", body="1"),
        request("POST", "/?LED", body="1", version="2.0"), request("PATCH", "/?LED", body="1"), request("DELETE", "/1"),
        request("POST", "/?LED%00", body="1"), request("POST", "/?led", body="1"), request("POST", "/LED", body="1"),
        request("POST", "/index.html", body="LED=1"), request("POST", "/?list", body="LED=1"), request("POST", "/?ping", body="LED=1"),
        request("POST", "/?invalid", body="LED=1"), request("POST", "/?loopback", body="LED=1"), request("POST", "/", body="LED=1"),
        request("GET", "/?LED", body="1"), request("HEAD", "/1"), request("OPTIONS", "/1"), request("OPTIONS", "/?LED", body="1"),
        request("GET", "/1", ["Referer: http://evil.example/"]), request("GET", "/1", ["Sec-Purpose: prefetch"]),
        request("POST", "/?LED", ["X: " + "y" * 8200], "1"), request("POST", "/?" + "LED," * 600 + "LED", body="1"),
        request("POST", "/?LED", body="1" * 4097), request("POST", "/?", body="LED=1&" + "x" * 4097),
    ]
    with Daemon() as daemon, Client(daemon) as control:
        for data in wrong:
            for split in (False, True):
                with Client(daemon) as client:
                    client.send_bytewise(data) if split else client.send(data)
                    client.reply(data.startswith(b"HEAD"))
                equal(control.ask(target="/?" + ",".join(AT_REST)).json(), AT_REST, f"after {data[:120]!r}")


@test
def writes_of_several_connections_are_taken_one_after_the_other():
    with Daemon() as daemon:
        clients = [Client(daemon) for _ in range(20)]
        for client in clients:
            client.send(request("POST", "/?LED", body="toggle") * 50)
        states = [client.reply().json()["LED"] for client in clients for _ in range(50)]
        equal(sum(states), 500, "of 1,000 toggles half end at 1")
        daemon.must_be_at_rest()
        for client in clients:
            client.close()
