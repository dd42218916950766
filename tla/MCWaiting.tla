------------------------------ MODULE MCWaiting -----------------------------
(***************************************************************************)
(* Bounds of Waiting that a .cfg cannot write, and what must be reachable  *)
(* in it: each claim below is false, and TLC shows how.                    *)
(***************************************************************************)
EXTENDS Waiting

All1 == <<"ALL_COMPLETED">>
First1 == <<"FIRST_EXCEPTION">>
AsCompleted1 == <<"AS_COMPLETED">>
FirstAndAll == <<"FIRST_COMPLETED", "ALL_COMPLETED">>
AsCompletedAndFirst == <<"AS_COMPLETED", "FIRST_COMPLETED">>
AsCompletedAndAll == <<"AS_COMPLETED", "ALL_COMPLETED">>
ExceptionTwice == <<"FIRST_EXCEPTION", "FIRST_EXCEPTION">>

Both == << <<1, 2>> >>
Three == << <<1, 2, 3>> >>
Same == << <<1, 1>> >>
Again == << <<1, 2, 1>> >>
OneEach == << <<1>>, <<1>> >>
BothAndOne == << <<1, 2>>, <<2>> >>
Crosswise == << <<1, 2>>, <<2, 1>> >>

-----------------------------------------------------------------------------

(* Two futures have noted a waiter, and both are to open its gate. *)
NoGateOpensTwice ==
  \A f \in Future : noted[f] =>
    LET c == Head(telling[f]) IN gates[c] => ~Enough(c, told[c])

(* A future is told to a caller who has left. *)
NobodyIsToldTooLate ==
  \A f \in Future : \A c \in Range(telling[f]) : callers[c] # "back"

(* A future ends while its caller is still installing. *)
NobodyIsToldTooEarly ==
  \A f \in Future : \A c \in Range(telling[f]) : callers[c] # "installing"

(* A timeout passes at the instant when the caller has enough. *)
NoTimeoutIsLate ==
  \A c \in Caller : why[c] = "timeout" => ~Enough(c, told[c])

(* A gate that is open has nothing to show: its ending was seen before. *)
NoGateOpensInVain ==
  \A c \in Caller : (callers[c] = "blocked" /\ gates[c]) => Enough(c, told[c])

(* Not every future has ended, and wait() is back with enough. *)
NobodyLeavesEarly ==
  \A c \in Caller : (callers[c] = "back" /\ why[c] = "enough") => Ended(c) = Range(Names[c])

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of Waiting survives that, so *)
(* that each of them says something.                                         *)
Unfair == Init /\ [][Next]_vars
=============================================================================
