;;; emacs_client.el --- Emacs's xml-rpc.el -*- lexical-binding: t; coding: utf-8 -*-
;; Arguments: URL, prefix of the keys to write.  See ../README.md.
(require 'xml-rpc)
(setq xml-rpc-allow-unicode-string t) ; otherwise text beyond ASCII leaves as base64
(set-time-zone-rule t)
(setq coding-system-for-write 'utf-8)
(defvar server (pop command-line-args-left))
(defvar prefix (pop command-line-args-left))

(defun report (direction feature attempt)
  (let ((answer (condition-case error (funcall attempt) (error (format "%S" error)))))
    (princ (format "%s\t%s\t%s\n" direction feature (replace-regexp-in-string "[\n\t]+" " " answer)))))

(defvar all-bytes (apply #'unibyte-string (number-sequence 0 255)))
(defvar date (encode-time '(55 8 14 17 7 1998 nil nil t)))

;; Feature, value to send, value to see when it is received if that differs.
(defvar values-to-try
  `(("int" -2147483648)
    ("double" -2.5e-7)
    ("integral double" 3.0)
    ("boolean" nil)
    ("string" "  two  spaces ")
    ("empty string" "")
    ("markup" "<b> & \"q\" 'a' ]]>")
    ("text" "Grüße, 世界")
    ("emoji" "😀")
    ("dateTime" (:datetime ,date))
    ("base64" (:base64 ,all-bytes))
    ("array" (1 "two" []) (1 "two" nil))
    ("struct" (("a" . 1) ("b" . "two")))
    ("nested" (("list" . (1 ("two" (("deep" . (t)))))) ("more" . (("x" . (("y" . 2.5)))))))))

(dolist (row values-to-try)
  (let ((feature (nth 0 row)) (value (nth 1 row)))
    (report "receive" feature
            (lambda ()
              (let ((seen (xml-rpc-method-call server 'kv.get (concat "in/" feature))))
                (if (equal seen (if (nthcdr 2 row) (nth 2 row) value)) "ok" (format "%S" seen)))))
    (report "send" feature
            (lambda ()
              (let ((seen (xml-rpc-method-call server 'kv.set (concat prefix "/" feature) value)))
                (if (eq seen t) "ok" (format "%S" seen)))))))
(report "receive" "i8"
        (lambda ()
          (let ((seen (xml-rpc-method-call server 'kv.get "in/i8")))
            (if (equal seen 9007199254740993) "ok" (format "%S" seen)))))
(report "receive" "nil"
        (lambda ()
          (let ((seen (xml-rpc-method-call server 'kv.get "in/nil")))
            (if (null seen) "ok" (format "%S" seen)))))
(report "receive" "fault"
        (lambda ()
          (condition-case error
              (format "no fault: %S" (xml-rpc-method-call server 'kv.get "in/none"))
            (error (if (and (equal xml-rpc-fault-code 404) (string-match "key not found" xml-rpc-fault-string))
                       "ok"
                     (format "%S" error))))))
(report "receive" "methods"
        (lambda () (if (member "kv.set" (xml-rpc-method-call server 'system.listMethods)) "ok" "no kv.set")))
